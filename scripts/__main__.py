"""`python -m scripts` is the `relearn` command; workers are started this way."""

from scripts.cli import main

if __name__ == "__main__":
    main()
