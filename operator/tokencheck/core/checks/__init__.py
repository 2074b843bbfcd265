"""Evidence -> findings: what is expected of a token, check by check, and nothing else.

Not here: reading anything, opening a token, the clock (`now` is an argument), conditions and
events. Everything is a pure function; no state, so any thread may call it.

What the checks agree on:

* **No expectation, no finding.** Where neither the spec nor the provider says what an audience
  should be, there is nothing to test. Shape, signature, dates and drift are expected of every
  token that is read.
* **Skip or Unknown.** A check that cannot run is Unknown when the spec asks for what it would
  tell, else Skip. A check whose worst result is a warning (its policy is not Fail) is then Skip
  too: what could not move Ready by failing must not move it by being unknown. That holds for
  Lifetime, Age, ExcessScopes, Drift and StaleInPods.
* **A claim that nobody vouches for** can convict and not acquit: a mismatch is Fail, because the
  token says it itself; a match is Unknown (`NotVerifiable`).
* **Messages hold absolute times only** and say the same until something changes, so that an
  unchanged situation writes no status. Of claims they show exp, nbf, iat, iss, aud, scopes, typ
  and alg, never the subject.
"""
