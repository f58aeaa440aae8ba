"""QR codes of links."""

import io

import segno


def qr_svg(link: str, title: str) -> str:
    """Return the QR code of a link as an SVG element without a fixed size; error correction M."""
    out = io.BytesIO()
    segno.make(link, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, title=title
    )
    return out.getvalue().decode()
