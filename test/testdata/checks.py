"""What scripts check with: each ends the script when something is not as it should be."""

import sys
import time


def refused(error, call, **kw):
    try:
        out = call(**kw)
    except error as e:
        return e.response
    sys.exit(f"want {error.__name__} from {kw}, got {out}")


def wait(what, get, good):
    for _ in range(1000):
        got = get()
        if good(got):
            return got
        time.sleep(0.01)
    sys.exit(f"waited in vain for {what}: {got!r}")
