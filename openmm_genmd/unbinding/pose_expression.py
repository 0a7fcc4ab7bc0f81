"""The energy of a pose restraint in the language of OpenMM's custom forces: `pose_expression`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_PREFIX = "genmd_pose"
PLACE_SPRING, ROTATION_SPRING = f"{_PREFIX}_place_spring", f"{_PREFIX}_rotation_spring"
WALL = f"{_PREFIX}_wall"
PLACE = tuple(f"{_PREFIX}_u{i}" for i in (1, 2, 3))
ROTATION = tuple(f"{_PREFIX}_r{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3))

_SOFTENING_NM2 = 1e-18
"""Under a root, so that its derivative exists where the distance is zero."""


def pose_expression(site_nm: Sequence[float], site_radius_nm: float) -> str:
    """Energy, kJ/mol, as a function of seven centroids and of the parameters above.

    Groups 1 to 3 are the receptor's, 4 to 6 the ligand's, 7 is the center of the ligand. With the
    sides p and q of the receptor's triangle and n = p x q its axes are p / |p|,
    n x p / (|n| |p|) and n / |n|; those of the ligand are the same of its sides s, t and
    m = s x t. As n x p = (p.p) q - (p.q) p, all that is needed are scalar and triple products.

    OpenMM puts definitions in wherever their names are used, and only then takes derivatives:
    lengths and angles, which are used often, are left to its functions. Written out in
    coordinates, the expression would take minutes to compile.

    Parameters
    ----------
    site_nm
        Three numbers, nm, the middle of the site in the receptor's frame.
    site_radius_nm
        Of the wall around it.

    Examples
    --------
    >>> pose_expression([0.0, 0.0, 0.0], 0.4).split("; ")[-1]
    'tz = z6 - z4'
    """
    squares = " + ".join(f"(d{i}-{name})^2" for i, name in enumerate(PLACE, start=1))
    traces = " + ".join(f"{name}*r{name[-2:]}" for name in ROTATION)
    aside = " + ".join(f"(d{i}-({float(value)!r}))^2" for i, value in enumerate(site_nm, start=1))
    return "; ".join(
        [
            f"0.5*{PLACE_SPRING}*({squares}) + {ROTATION_SPRING}*(3 - ({traces}))"
            f" + 0.5*{WALL}*max(0, beyond)^2",
            f"beyond = sqrt({aside} + {_SOFTENING_NM2!r}) - {float(site_radius_nm)!r}",
            *_ligand_axes(),
            *(line for v in "dstm" for line in _components(v)),
            "nm = ps*qt - pt*qs",
            *(f"{v}{w} = {_product(v, w)}" for v in "pq" for w in "dstm"),
            *(f"n{w} = {_product('n', w)}" for w in "dst"),
            *_cross("n", "p", "q"),
            *_cross("m", "s", "t"),
            *_sizes(("p", "q", "n"), (1, 2, 3)),
            *_sizes(("s", "t", "m"), (4, 5, 6)),
            *_vectors(),
        ]
    )


def _ligand_axes() -> Iterator[str]:
    """Components of the ligand's axes along the receptor's, from those of s, t and m."""
    for i in (1, 2, 3):
        yield f"r{i}1 = s{i}/sl"
        yield f"r{i}2 = (t{i} - tc*s{i}/sl)/ml"
        yield f"r{i}3 = m{i}/(sl*ml)"


def _components(v: str) -> Iterator[str]:
    """Those of a vector along the receptor's axes."""
    yield f"{v}1 = p{v}/pl"
    yield f"{v}2 = (q{v} - qc*p{v}/pl)/nl"
    yield f"{v}3 = n{v}/(pl*nl)"


def _sizes(triangle: tuple[str, str, str], groups: tuple[int, int, int]) -> Iterator[str]:
    """Length of p, q.p / |p| and |n| / |p|, or the same of s, t and m, of which n is p x q."""
    (p, q, n), (corner, near, far) = triangle, groups
    angle, length = f"angle(g{near}, g{corner}, g{far})", f"distance(g{corner}, g{far})"
    yield f"{p}l = distance(g{corner}, g{near})"
    yield f"{q}c = {length}*cos({angle})"
    yield f"{n}l = {length}*sin({angle})"


def _product(v: str, w: str) -> str:
    return " + ".join(f"{v}{c}*{w}{c}" for c in "xyz")


def _cross(name: str, v: str, w: str) -> Iterator[str]:
    for c, a, b in (("x", "y", "z"), ("y", "z", "x"), ("z", "x", "y")):
        yield f"{name}{c} = {v}{a}*{w}{b} - {v}{b}*{w}{a}"


def _vectors() -> Iterator[str]:
    for c in "xyz":
        yield f"d{c} = {c}7 - ({c}1+{c}2+{c}3)/3"
        for name, start, end in (("p", 1, 2), ("q", 1, 3), ("s", 4, 5), ("t", 4, 6)):
            yield f"{name}{c} = {c}{end} - {c}{start}"
