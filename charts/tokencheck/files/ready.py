"""`helm test`: whether a replica answers and is ready, asked through the Service."""

import sys
import urllib.error
import urllib.request

URL = sys.argv[1]
try:
    answer = urllib.request.urlopen(URL, timeout=20)
except urllib.error.HTTPError as error:
    answer = error  # not ready: it says why
except OSError:
    sys.exit(
        f"{URL} does not answer: no replica is ready, or a NetworkPolicy refuses this Pod; see tokencheck doctor"
    )
print(answer.read().decode())
sys.exit(0 if answer.status == 200 else 1)
