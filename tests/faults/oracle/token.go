package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Claims of a token, as far as a rule looks at them.
type Claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  Texts    `json:"aud"`
	Scope     *string  `json:"scope"`
	ExpiresAt *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	IssuedAt  *float64 `json:"iat"`
}

// Texts is a text or a list of them.
type Texts []string

// UnmarshalJSON takes both forms that RFC 7519 section 4.1.3 allows.
func (t *Texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = Texts{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(raw, &many)
	*t = many
	return err
}

// Signature is what the keys say.
type Signature int

const (
	verified Signature = iota
	invalid
	unknownKey
)

// Read is a token's text, read once; what it says does not depend on the time.
type Read struct {
	missing   string // the reason when there is no text
	malformed bool
	misformed bool // a claim is there in a form that RFC 7519 does not allow
	spaced    bool // white space around it
	signature Signature
	claims    Claims
}

func readText(text string, asked Case) Read {
	trimmed := strings.Trim(text, " \t\r\n")
	if trimmed == "" {
		return Read{missing: "TokenMissing"}
	}
	read := Read{spaced: trimmed != text}
	if !strictlyEncoded(trimmed) {
		read.malformed = true
		return read
	}
	signed, err := jose.ParseSigned(trimmed, algorithms)
	if err != nil {
		read.malformed = true
		return read
	}
	// The other claims are read all the same.
	err = json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &read.claims)
	var form *json.UnmarshalTypeError
	read.misformed = errors.As(err, &form) && form.Field != ""
	if err != nil && !read.misformed {
		read.malformed = true
		return read
	}
	read.signature = signatureOf(signed, asked.Provider)
	return read
}

var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA}

// strictlyEncoded tells whether there are three parts, none empty, each in the only base64url that
// encodes its bytes: RFC 7515 section 2, RFC 4648 section 3.5.
func strictlyEncoded(text string) bool {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" {
			return false
		}
	}
	return len(parts) == 3
}

func signatureOf(signed *jose.JSONWebSignature, provider *Provider) Signature {
	keys := provider.JWT.Keys.JWKS.Key(signed.Signatures[0].Protected.KeyID)
	for _, key := range keys {
		if _, err := signed.Verify(key); err == nil {
			return verified
		}
	}
	if len(keys) == 0 {
		return unknownKey
	}
	return invalid
}
