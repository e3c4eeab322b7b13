"""`python -m bitacora` is the console script `bitacora`."""

from bitacora.cli import main

if __name__ == "__main__":
    main()
