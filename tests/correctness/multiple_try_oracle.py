"""Multiple tries in plain NumPy, without MD: the readable twin of plugin/src/CandidateLeap.cpp."""

import numpy as np

logsumexp = np.logaddexp.reduce

BREAKS = ("no delayed acceptance", "current left out", "surrogate recycled")


def oracle_chain(model, proposer, kt_kj, n_jumps, k, surrogate=None, broken=None, seed=1):
    """Conformations ``(n, n_particles, 3)`` of the chain, and recycled observables ``(n, m)``."""
    assert broken is None or broken in BREAKS
    surrogate = model.energy if surrogate is None else surrogate
    rng, x, recycled = np.random.default_rng(seed), np.array(model.start_nm()), []
    for _ in range(n_jumps):
        part = proposer.choose(rng)
        y, log_q = part.sample(x, None, rng, k)
        log_w = -surrogate(y) / kt_kj - log_q
        pick = int(np.searchsorted(np.cumsum(np.exp(log_w - logsumexp(log_w)))[:-1], rng.random()))
        references, log_q_back = np.delete(y, pick, axis=0), np.delete(log_q, pick)
        if part.conditional:
            references, log_q_back = part.sample(y[pick], None, rng, k - 1)
        log_q_x = part.log_density(x[None], y[pick], None)[0]
        log_w_x = -surrogate(x[None])[0] / kt_kj - log_q_x
        log_w_back = -surrogate(references) / kt_kj - log_q_back
        if broken != "current left out":
            log_w_back = np.append(log_w_back, log_w_x)
        target = model.energy if broken != "no delayed acceptance" else surrogate
        pair = np.stack([x, y[pick]])
        correction = np.diff(surrogate(pair) - target(pair))[0] / kt_kj
        p = np.exp(min(0.0, logsumexp(log_w) - logsumexp(log_w_back) + correction))
        weights, seen = np.array([1 - p, p]), pair
        if broken == "surrogate recycled":
            weights = np.exp(np.append(log_w_x, log_w) - logsumexp(np.append(log_w_x, log_w)))
            seen = np.concatenate([x[None], y])
        recycled.append(weights @ model.observables(seen))
        x = y[pick] if rng.random() < p else x
    return proposer.samples(), np.array(recycled)
