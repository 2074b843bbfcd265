package main

import (
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

func faultsOf(asked Question) []string {
	signed, err := jose.ParseSignedCompact(string(asked.Token), asked.Algorithms)
	var unexpected *jose.ErrUnexpectedSignatureAlgorithm
	if errors.As(err, &unexpected) {
		return []string{algorithm}
	}
	if err != nil {
		return []string{malformed}
	}
	var payload map[string]json.RawMessage
	err = json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &payload)
	if err != nil || payload == nil {
		return []string{malformed}
	}
	faults := signatureFaults(asked, signed)
	if slices.Contains(faults, malformed) {
		return faults
	}
	return append(faults, claimFaults(asked, payload)...)
}

func signatureFaults(asked Question, signed *jose.JSONWebSignature) []string {
	tried := false
	chosen := candidates(asked.JWKS, asked.Token, signed.Signatures[0].Protected)
	for _, key := range chosen.keys {
		_, err := signed.Verify(key)
		if err == nil {
			return []string{}
		}
		if !errors.Is(err, jose.ErrCryptoFailure) {
			return []string{malformed} // by its header crit
		}
		tried = true
	}
	if !tried || chosen.guessed {
		return []string{unknownKey}
	}
	return []string{signature}
}

// claimFaults validates each claim by itself, so that no fault hides another one.
func claimFaults(asked Question, payload map[string]json.RawMessage) []string {
	faults := []string{}
	expected := jwt.Expected{Time: asked.now()}
	within := func(leeway time.Duration, claims jwt.Claims, expected jwt.Expected, fault string) {
		if claims.ValidateWithLeeway(expected, leeway) != nil {
			faults = append(faults, fault)
		}
	}
	validate := func(claims jwt.Claims, expected jwt.Expected, fault string) {
		within(asked.leeway(), claims, expected, fault)
	}
	if iss, ok := claim[string](payload, "iss", &faults); ok {
		expected := jwt.Expected{Time: asked.now(), Issuer: asked.Issuer}
		validate(jwt.Claims{Issuer: value(iss)}, expected, issuer)
	}
	if aud, ok := claim[jwt.Audience](payload, "aud", &faults); ok {
		expected := jwt.Expected{Time: asked.now(), AnyAudience: asked.Audiences}
		validate(jwt.Claims{Audience: value(aud)}, expected, audience)
	}
	if exp, ok := claim[jwt.NumericDate](payload, "exp", &faults); ok {
		within(0, jwt.Claims{Expiry: exp}, expected, expired) // our clockSkew lengthens no token
	}
	if nbf, ok := claim[jwt.NumericDate](payload, "nbf", &faults); ok {
		validate(jwt.Claims{NotBefore: nbf}, expected, notYet)
	}
	if iat, ok := claim[jwt.NumericDate](payload, "iat", &faults); ok {
		validate(jwt.Claims{IssuedAt: iat}, expected, issuedInFuture)
	}
	claim[string](payload, "sub", &faults)
	claim[string](payload, "jti", &faults)
	return faults
}

// claim decodes as the library's own Claims do: null is as good as absent.
func claim[T any](payload map[string]json.RawMessage, name string, faults *[]string) (*T, bool) {
	raw, there := payload[name]
	if !there {
		return nil, true
	}
	var decoded *T
	if err := json.Unmarshal(raw, &decoded); err != nil {
		*faults = append(*faults, name+form)
		return nil, false
	}
	return decoded, true
}

func value[T any](pointer *T) T {
	var none T
	if pointer == nil {
		return none
	}
	return *pointer
}
