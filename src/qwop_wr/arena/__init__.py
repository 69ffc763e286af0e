"""Games to look at: runners that are played live, in a window or in a film."""

import os

# pygame greets on the standard output when it is imported, unless this is set.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
