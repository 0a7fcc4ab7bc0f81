"""What a `GenerativeJumpIntegrator` tells about the jumps that it made."""

from __future__ import annotations

from typing import Any

from openmm_genmd.native import core


class JumpHistory:
    """Counts, sums and records of attempted jumps: part of `GenerativeJumpIntegrator`."""

    def getNumJumpsAttempted(self) -> int:
        """Return the number of attempts."""
        return int(core.get_statistics(self).attempted)

    def getNumJumpsAccepted(self) -> int:
        """Return the number of accepted attempts."""
        return int(core.get_statistics(self).accepted)

    def getAcceptanceRate(self) -> float:
        """Return accepted per attempted jumps; NaN before the first."""
        statistics = core.get_statistics(self)
        return statistics.accepted / statistics.attempted if statistics.attempted else float("nan")

    def getRejections(self) -> dict[str, int]:
        """Return how many attempts were rejected for each reason.

        ``steric``: atoms overlap; ``strain``: the energy rises otherwise; ``ratio``: the model
        proposes this conformation more often than the way back; ``not finite``: NaN or infinite
        values; ``constraint``: a constrained distance was changed; ``surrogate``: the surrogate
        energy of `MultipleTry` is wrong about the picked candidate; ``work``: a switch took too
        much work; ``terminated``: its partial work, there or back, exceeded the limit.
        """
        return dict(core.get_rejections(self))

    def getStatistics(self) -> Any:
        """Return all sums: attempted, accepted, sum_probability, switching_steps, and seconds.

        ``switching_steps`` counts the evaluations of forces and energies of all switches: what they
        cost in MD steps.
        """
        return core.get_statistics(self)

    def getLastJump(self) -> Any:
        """Return the record of the last attempt.

        Its attributes are index, step, accepted, probability, work_kj_per_mol, log_ratio, reason,
        switching_steps, shadow_work_kj_per_mol (NaN where it is not known), model_seconds,
        energy_seconds and bookkeeping_seconds.

        Raises
        ------
        OpenMMException
            If no jump has been attempted.
        """
        return core.get_last_jump(self)

    def getRecords(self, firstIndex: int = 0) -> list[Any]:
        """Return the records of all attempts from a serial number on.

        Raises
        ------
        OpenMMException
            If the first of them is no longer kept; see `reserveRecords`.
        """
        return list(core.get_records(self, firstIndex))

    def reserveRecords(self, count: int) -> None:
        """Keep the records of at least the last `count` attempts (65536 by default)."""
        core.reserve_records(self, count)

    def resetStatistics(self) -> None:
        """Forget all statistics and records."""
        core.reset_statistics(self)
