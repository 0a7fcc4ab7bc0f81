"""Which tetrapeptides the bundled model learns from, and which it never sees.

Permutations of the twenty residues cut into fours, so that each occurs equally often.
"""

TRAINING = [
    "GDAC",
    "QFNI",
    "WHKP",
    "LSRY",
    "VTME",
    "PCNS",
    "WKDF",
    "HVGT",
    "IMQA",
    "RYLE",
    "PHCK",
    "REQG",
    "AFSN",
    "MYIT",
    "LWVD",
    "NYDM",
    "GCVA",
    "WILH",
    "FKRP",
    "STQE",
    "AHPG",
    "DWLT",
    "KNIM",
    "CERV",
    "FSQY",
    "TSYF",
    "PQRE",
    "GNVI",
    "WMDC",
    "AKLH",
    "TYSA",
    "HGED",
    "NFKR",
    "WPIM",
    "LCVQ",
    "TVRM",
]
HELD_OUT = ["HRSY", "CTQE", "WDIP", "LMGA", "FNKV", "WIVS"]

# More of them for the densities of blocks, half as long; four rich in alanine.
MORE = [
    *("AAFA", "AALA", "AGTN", "ARGF", "CIQK", "DMYP", "EAAK", "EWSS", "FSPE", "GAAV"),
    *("GFWT", "HEKR", "IVNF", "KFVT", "KHLM", "LTVH", "MDFG", "NQMD", "PPEI", "QNFW"),
    *("QRDQ", "RYRA", "SCAV", "TKHL", "TYYR", "VEDC", "VNIC", "WLCW", "YAGY"),
]
