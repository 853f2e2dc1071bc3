"""`python -m ui` is the same as `askcircuit`."""

from ui.commands import main

if __name__ == "__main__":
    main()
