"""Write the golden files that aren't there yet; those that are stay as they are."""

from __future__ import annotations

from tests.contract.golden.messages import FOLDER, MESSAGES


def main() -> None:
    for name, message in MESSAGES.items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(message())


if __name__ == "__main__":
    main()
