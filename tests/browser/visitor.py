"""A browser for ``qwop browser --browser``: opens an address and waits for the verdict."""

import sys

from tests.chromium import chromium

if __name__ == "__main__":
    with chromium() as browser:
        page = browser.new_page()
        page.goto(sys.argv[-1])
        page.wait_for_function(
            "/ 0 of|no tape/.test(document.querySelector('qwop-overlay')?.shadowRoot"
            ".querySelector('.verdict').textContent)"
        )
