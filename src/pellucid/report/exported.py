"""What an export left, as terminal text."""

from pellucid.formats.exported import Exported


def exported_lines(written: Exported) -> str:
    """Return what was written, what to know of it, and how it is used."""
    sizes = [f"{path}  {_size(path.stat().st_size)}" for path in written.files]
    lines = [f"{'written' if number == 0 else '':<9}{size}" for number, size in enumerate(sizes)]
    lines += [f"         - {note}" for note in written.notes]
    if written.difference is not None:
        off = f"differs from the network by at most {written.difference:.2g}, as rounding does"
        lines.append(f"compared it {off if written.difference else 'says exactly what the network says'}")
    lines += [f"{'use' if number == 0 else '':<9}{line}" for number, line in enumerate(written.usage.splitlines())]
    return "\n".join(lines)


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    return f"{count / 1e3:,.0f} kB" if count < 10_000_000 else f"{count / 1e6:,.0f} MB"
