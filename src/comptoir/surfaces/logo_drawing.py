"""Drawing a logo anew as a PNG that holds nothing but its pixels. Loaded when the first one comes, as `return_drawing` is."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from comptoir.modules.notices.contracts import Logo
from comptoir.surfaces.return_pictures import NoPicture, PictureTooLarge

_FORMATS = ("JPEG", "PNG", "WEBP")
_MOST_PIXELS = 16_000_000
_MOST_BYTES = 1_000_000
_WIDE, _HIGH = 640, 160
"""Twice as many as it is shown with, for fine screens."""


def draw_logo(name: str, content: bytes) -> Logo:
    """Raises NoPicture and PictureTooLarge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels, which are counted here, and of what is odd about a file
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise PictureTooLarge(name=name[:100], most=_MOST_BYTES, pixels=image.width * image.height)
                image.load()
                seen = ImageOps.exif_transpose(image).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as problem:
        raise NoPicture(name=name[:100]) from problem
    plain = Image.new("RGBA", seen.size, (0, 0, 0, 0))
    plain.alpha_composite(seen)
    plain.thumbnail((_WIDE, _HIGH), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    plain.save(out, "PNG", optimize=True)
    return Logo(out.getvalue(), "png", plain.width, plain.height)
