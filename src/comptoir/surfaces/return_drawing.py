"""Drawing pictures anew. Loaded when the first picture comes: the reader of pictures is large, and most processes need none."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from comptoir.modules.changes.contracts import Drawn
from comptoir.surfaces.return_pictures import MOST_BYTES, NoPicture, PictureTooLarge

_FORMATS = ("JPEG", "PNG", "WEBP")
_MOST_PIXELS = 50_000_000
_MOST_UNDRAFTED = 30_000_000
"""A JPEG is made smaller while it is read; others have to be read whole."""
_SIDE, _THUMB = 2_048, 360
_QUALITY, _THUMB_QUALITY = 82, 74
_WHITE = (255, 255, 255)


def draw(name: str, content: bytes) -> Drawn:
    """Raises NoPicture and PictureTooLarge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels, which are counted here, and of what is odd about a file
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                return _drawn(name, image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as problem:
        raise NoPicture(name=name[:100]) from problem


def _drawn(name: str, image: Image.Image) -> Drawn:
    pixels = image.width * image.height
    if pixels > (_MOST_PIXELS if image.format == "JPEG" else _MOST_UNDRAFTED):
        raise PictureTooLarge(name=name[:100], most=MOST_BYTES, pixels=pixels)
    image.draft("RGB", (_SIDE, _SIDE))
    image.load()
    upright = ImageOps.exif_transpose(image)
    plain = _on_white(upright)
    plain.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    small = plain.copy()
    small.thumbnail((_THUMB, _THUMB), Image.Resampling.LANCZOS)
    return Drawn(_jpeg(plain, _QUALITY), _jpeg(small, _THUMB_QUALITY), plain.width, plain.height)


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, palettes and whatever the file said beside its pixels."""
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        plain = Image.new("RGB", seen.size, _WHITE)
        plain.paste(seen, mask=seen.getchannel("A"))
        return plain
    plain = Image.new("RGB", image.size)
    plain.paste(image.convert("RGB"))
    return plain


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()
