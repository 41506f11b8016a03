"""Small copies of samples' pictures beside a report, decoded and drawn anew: nothing of the file goes on."""

from pathlib import Path

from cvit_bench.data.images import open_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture

SIDE = 224
_SMALL = 96


def write_picture(picture: Picture, folder: Path) -> str | None:
    """Write a picture of at most 224 px a side into a folder; return its name, None if it cannot be read.

    The name is the content hash, so that a picture is written once whoever shows it.
    """
    try:
        stem = picture.sha256[:32]
        for name in (f"{stem}.png", f"{stem}.jpg"):
            if (folder / name).exists():
                return name
        image = open_picture(picture)
    except CvitBenchError:
        return None
    image.thumbnail((SIDE, SIDE))
    kind, ending = ("PNG", "png") if max(image.size) <= _SMALL else ("JPEG", "jpg")
    path = folder / f"{stem}.{ending}"
    temporary = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        image.save(temporary, kind)
        temporary.replace(path)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path.name
