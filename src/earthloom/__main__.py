"""`earthloom` and `python -m earthloom`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it loads ends it without a traceback, as later on."""
    try:
        from earthloom.cli.main import main as run

        run()
    except KeyboardInterrupt:
        print("earthloom: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
