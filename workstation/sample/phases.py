"""How dense the tissues are, HU, at four moments: what contrast does to a body."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Mean HU of what takes up contrast, before texture and noise."""

    artery: float
    portal: float
    hepatic: float
    """Veins of the liver."""
    cava: tuple[float, float, float, float]
    """Caval and leg veins: thigh, below the kidneys, at the renal veins, above them."""
    renal_vein: float
    blood_heart: float
    heart: float
    liver: float
    spleen: float
    pancreas: float
    cortex: float
    medulla: float
    urine: float
    bladder: float
    bowel: float
    """Inner layer of the bowel's wall."""
    endoleak: float
    """Blood beside the graft in the sac, where there is any."""


PORTAL_VENOUS = Phase(
    artery=166.0, portal=172.0, hepatic=158.0, cava=(128.0, 134.0, 156.0, 160.0), renal_vein=166.0, blood_heart=166.0,
    heart=116.0, liver=114.0, spleen=124.0, pancreas=98.0, cortex=196.0, medulla=176.0, urine=9.0, bladder=7.0,
    bowel=112.0, endoleak=150.0,
)  # fmt: skip
UNENHANCED = Phase(
    artery=42.0, portal=42.0, hepatic=41.0, cava=(42.0, 42.0, 42.0, 42.0), renal_vein=42.0, blood_heart=42.0,
    heart=46.0, liver=58.0, spleen=49.0, pancreas=38.0, cortex=33.0, medulla=33.0, urine=6.0, bladder=5.0,
    bowel=40.0, endoleak=39.0,
)  # fmt: skip
ARTERIAL = Phase(
    artery=345.0, portal=92.0, hepatic=58.0, cava=(44.0, 46.0, 128.0, 104.0), renal_vein=185.0, blood_heart=330.0,
    heart=125.0, liver=70.0, spleen=132.0, pancreas=112.0, cortex=210.0, medulla=86.0, urine=6.0, bladder=5.0,
    bowel=104.0, endoleak=41.0,
)  # fmt: skip
DELAYED = Phase(
    artery=124.0, portal=126.0, hepatic=122.0, cava=(118.0, 120.0, 124.0, 124.0), renal_vein=126.0, blood_heart=124.0,
    heart=98.0, liver=100.0, spleen=104.0, pancreas=84.0, cortex=158.0, medulla=162.0, urine=420.0, bladder=32.0,
    bowel=88.0, endoleak=128.0,
)  # fmt: skip
