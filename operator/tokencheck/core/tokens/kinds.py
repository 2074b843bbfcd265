"""The forms of tokens that can be told by their text, as one table that is read top-down.

Vendors' forms come before the shape of a JWT, because some vendors put a JWT behind their prefix.
Lengths are minimums: vendors lengthen their tokens without notice. A form is listed only when it
cannot be anything else: keys without a prefix (Datadog's 32 or 40 hexadecimal digits, PagerDuty's
20 characters, Twilio's pairs) are known by their name alone.

Every pattern is matched against the whole text and takes linear time: no open repetition stands
inside another one, and what follows a repetition starts with a character that the repetition cannot
take.

Source: the vendors' documentation and announcements; RFC 7515 and 7516 section 7.1 for the compact
serialisations; the PASETO specification for its versions.
"""

from typing import TypeAlias

from tokencheck.model.facts import Family

Row: TypeAlias = tuple[str, Family, bytes]

JWT = "JWT"
JWE = "JWE"
OPAQUE = "Opaque"
ECR = "ECR"
SERVICE_ACCOUNT_KEY = "GoogleServiceAccountKey"

# Base64 of the first bytes of a JSON object: {" or { followed by a space, a tab or a line break.
_JSON_START = rb"(?:eyJ|eyA|ewk|ewo|ew0)"

_VENDORS: tuple[tuple[str, bytes], ...] = (
    ("GitHub", rb"gh[opus]_[A-Za-z0-9]{36,}"),
    ("GitHubRefresh", rb"ghr_[A-Za-z0-9]{36,}"),  # no API takes one: it buys new tokens
    # Since April 2026 an installation token is ghs_APPID_JWT: it holds a JWT that is nobody's to
    # verify.
    ("GitHub", rb"ghs_[A-Za-z0-9]+_eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    ("GitHub", rb"github_pat_[A-Za-z0-9_]{82,}"),
    ("GitLab", rb"glpat-[A-Za-z0-9_.-]{20,}"),
    (
        "GitLabOther",  # for deployments, jobs, runners, feeds: the API knows nothing of them
        rb"(?:gldt|glrt|glrtr|glcbt|glptt|glft|glimt|glagent|glwt|gloas|glsoat|glffct)"
        rb"-[A-Za-z0-9_.-]{20,}",
    ),
    ("npm", rb"npm_[A-Za-z0-9]{36,}"),
    ("Docker", rb"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    ("Slack", rb"xox(?:[bp]|e\.xox[bp])-[A-Za-z0-9-]{10,}"),
    ("SlackOther", rb"xox[a-z]-[A-Za-z0-9-]{10,}"),  # refresh tokens, sessions of browsers
    ("Slack", rb"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    ("Google", rb"ya29\.[A-Za-z0-9_.-]{20,}"),
    ("Google", rb"AIza[A-Za-z0-9_-]{35,}"),
    (SERVICE_ACCOUNT_KEY, rb"\{\s*\"type\"\s*:\s*\"service_account\"(?s:.*)"),
    ("AWS", rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16,}"),
    # The last part is the namespace's. OpenBao's tokens are as Vault's were before 1.10.
    ("Vault", rb"hv[sb]\.[A-Za-z0-9_-]{24,}(?:\.[A-Za-z0-9]{5,6})?"),
    ("Vault", rb"s\.[A-Za-z0-9]{24,}(?:\.[A-Za-z0-9]{5,6})?"),
    ("Vault", rb"b\.[A-Za-z0-9_-]{80,}(?:\.[A-Za-z0-9]{5,6})?"),
    (
        "VaultRecovery",
        rb"(?:hvr|r)\.[A-Za-z0-9]{24,}",
    ),  # of a server in recovery, which looks none up
    ("Stripe", rb"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    ("Grafana", rb"glsa_[A-Za-z0-9]{32,}_[0-9a-fA-F]{8}"),
    (ECR, rb"eyJwYXlsb2FkIjoi[A-Za-z0-9+/]{100,}={0,2}"),  # base64 of {"payload":"
    ("GrafanaCloud", rb"glc_[A-Za-z0-9+/=]{32,}"),  # of the cloud's APIs: no Grafana takes one
    ("Grafana", rb"eyJrIjoi[A-Za-z0-9+/=_-]{40,}"),  # base64 of {"k":" without a dot: no JWT
    ("Anthropic", rb"sk-ant-[a-z]{3,}[0-9]{2}-[A-Za-z0-9_-]{80,}"),
    ("OpenAI", rb"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}"),
    ("OpenAI", rb"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20,}"),
    ("HuggingFace", rb"(?:hf|api_org)_[A-Za-z0-9]{34,}"),
    ("Cloudflare", rb"cfut_[A-Za-z0-9_-]{40,}"),
    ("CloudflareAccount", rb"cfat_[A-Za-z0-9_-]{40,}"),
    ("CloudflareOther", rb"v1\.0-[0-9a-f]{24}-[0-9a-f]{140,}"),
    ("Sentry", rb"sntrys_eyJ[A-Za-z0-9+/=_-]{40,}"),
    ("Sentry", rb"sntryu_[0-9a-f]{64,}"),
    ("TerraformCloud", rb"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}"),
    ("JFrog", rb"AKCp[A-Za-z0-9]{69,}"),
    ("JFrog", rb"cmVmdGtu[A-Za-z0-9]{56,}"),
    ("Atlassian", rb"AT(?:ATT3x|CTT3xFfG)[A-Za-z0-9_=-]{100,}"),
    ("Atlassian", rb"ATBB[A-Za-z0-9_=]{24,}"),
    ("Atlassian", rb"BBDC-[A-Za-z0-9+/@_=-]{30,}"),
    ("SendGrid", rb"SG\.[A-Za-z0-9_-]{22,}\.[A-Za-z0-9_-]{43,}"),
    ("Buildkite", rb"bk(?:ua|aa|ct|at)_[a-f0-9]{40,}"),
    ("CircleCI", rb"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,}_[a-f0-9]{40,}"),
    ("Databricks", rb"dapi[a-f0-9]{32,}(?:-[0-9])?"),
    ("DigitalOcean", rb"do[opr]_v1_[a-f0-9]{64,}"),
    ("Doppler", rb"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}"),
    ("Dynatrace", rb"dt0[a-z][0-9]{2}\.[A-Z0-9]{24,}\.[A-Z0-9]{64,}"),
    ("Groq", rb"gsk_[A-Za-z0-9]{52,}"),
    ("Linear", rb"lin_api_[A-Za-z0-9]{40,}"),
    ("NewRelic", rb"NRAK-[A-Z0-9]{27,}"),
    ("Notion", rb"ntn_[A-Za-z0-9]{40,}"),
    ("PlanetScale", rb"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{32,}"),
    ("Postman", rb"PMAK-[a-f0-9]{24,}-[a-f0-9]{34,}"),
    ("Pulumi", rb"pul-[a-f0-9]{40,}"),
    ("Replicate", rb"r8_[A-Za-z0-9]{37,}"),
    ("RubyGems", rb"rubygems_[a-f0-9]{48,}"),
    ("Shopify", rb"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32,}"),
    ("SonarQube", rb"sq[upa]_[a-f0-9]{40,}"),
    ("Supabase", rb"sb[pt]_[a-f0-9]{40,}"),
    ("Tailscale", rb"tskey-(?:api|auth|client|scim)-[A-Za-z0-9-]{20,}"),
    ("Telegram", rb"[0-9]{8,10}:AA[A-Za-z0-9_-]{33,}"),
    ("XAI", rb"xai-[A-Za-z0-9]{70,}"),
)

TABLE: tuple[Row, ...] = (
    ("PyPI", Family.MACAROON, rb"pypi-AgE[A-Za-z0-9_-]{40,}"),
    ("Devpi", Family.MACAROON, rb"devpi-AgE[A-Za-z0-9_-]{20,}"),
    *((kind, Family.VENDOR, pattern) for kind, pattern in _VENDORS),
    ("PASETO", Family.PASETO, rb"v[1-4]\.(?:local|public)\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"),
    # Five parts are encrypted and stay so. Anything else that starts like a JOSE header and has a
    # dot wants to be a JWT: a broken one must be reported as broken, not passed over as opaque
    # text.
    (JWE, Family.JWE, _JSON_START + rb"[^.]*+(?:\.[^.]*+){4}"),
    (JWT, Family.JWT, _JSON_START + rb"[A-Za-z0-9_=+/\s-]{5,}\.(?s:.*)"),
)
