package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Chosen is what may have signed a token; guessed when the token names another key than these.
type Chosen struct {
	keys    []jose.JSONWebKey
	guessed bool
}

// known is a public key for signatures; broken when the library cannot build it.
type known struct {
	id     *string
	key    jose.JSONWebKey
	broken bool
}

// candidates are the keys that the token names or, when it names none that is known, those without
// a name; all, when it names none. Of them those that fit its algorithm.
func candidates(jwks string, token []byte, header jose.Header) Chosen {
	keys := knownKeys(jwks)
	id := keyID(token)
	unnamed := slices.DeleteFunc(slices.Clone(keys), func(k known) bool { return k.id != nil })
	named := slices.DeleteFunc(slices.Clone(keys), func(k known) bool {
		return id == nil || k.id == nil || *k.id != *id
	})
	switch {
	case id == nil:
		return Chosen{keys: fitting(keys, header.Algorithm)}
	case len(named) > 0:
		return Chosen{keys: fitting(named, header.Algorithm)}
	default:
		return Chosen{keys: fitting(unnamed, header.Algorithm), guessed: true}
	}
}

// keyID tells an empty kid from none, which the library does not.
func keyID(token []byte) *string {
	text, _, _ := strings.Cut(string(token), ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	var header struct {
		ID *string `json:"kid"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return nil
	}
	return header.ID
}

func knownKeys(jwks string) []known {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal([]byte(jwks), &set) != nil {
		return nil
	}
	keys := []known{}
	for _, raw := range set.Keys {
		if key, ok := readKey(raw); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// readKey leaves out what is not for signatures or not public: RFC 7517 sections 4.2, 4.3 and 9.
func readKey(raw json.RawMessage) (known, bool) {
	var members struct {
		ID        *string         `json:"kid"`
		Use       json.RawMessage `json:"use"`
		Ops       json.RawMessage `json:"key_ops"`
		Type      string          `json:"kty"`
		Algorithm *string         `json:"alg"`
	}
	if json.Unmarshal(raw, &members) != nil || members.Type == "oct" {
		return known{}, false
	}
	if (members.Use != nil && string(members.Use) != `"sig"`) || !verifies(members.Ops) {
		return known{}, false
	}
	var key jose.JSONWebKey
	if json.Unmarshal(raw, &key) != nil {
		return known{id: members.ID, broken: true}, true
	}
	own := members.Algorithm == nil || slices.Contains(algorithmsOf(key), *members.Algorithm)
	return known{id: members.ID, key: key}, key.IsPublic() && own
}

func verifies(raw json.RawMessage) bool {
	var operations []any
	if raw == nil {
		return true
	}
	return json.Unmarshal(raw, &operations) == nil && slices.Contains(operations, any("verify"))
}

func fitting(keys []known, algorithm string) []jose.JSONWebKey {
	found := []jose.JSONWebKey{}
	for _, one := range keys {
		own := one.key.Algorithm == "" || one.key.Algorithm == algorithm
		if !one.broken && own && slices.Contains(algorithmsOf(one.key), algorithm) {
			found = append(found, one.key)
		}
	}
	return found
}

// algorithmsOf says what the type and curve of a key can verify: RFC 7518 section 3.1, RFC 8037.
func algorithmsOf(key jose.JSONWebKey) []string {
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		return []string{map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[public.Params().BitSize]}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	default:
		return nil
	}
}
