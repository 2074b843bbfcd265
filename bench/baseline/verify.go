package main

import (
	"crypto/rsa"
	"errors"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// verdict is what one look at one token gave; expiry is zero when there is none ahead.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
	expiry  time.Time
}

// verifier verifies RS256 tokens with one public key.
type verifier struct {
	key    *rsa.PublicKey
	parser *jwt.Parser
}

func newVerifier(publicKeyFile string) (*verifier, error) {
	pem, err := os.ReadFile(publicKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := jwt.ParseRSAPublicKeyFromPEM(pem)
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired())
	return &verifier{key: key, parser: parser}, nil
}

// judge verifies signature and exp of the token under the key of the Secret.
func (v *verifier) judge(secret *corev1.Secret, key string) verdict {
	text, found := secret.Data[key]
	if !found {
		return failed("SecretKeyNotFound", "the Secret has no such key")
	}
	claims := jwt.RegisteredClaims{}
	_, err := v.parser.ParseWithClaims(string(text), &claims, func(*jwt.Token) (any, error) { return v.key, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return failed("SignatureInvalid", "the signature does not verify")
	case errors.Is(err, jwt.ErrTokenExpired):
		return failed("TokenExpired", "the token has expired")
	case err != nil:
		return failed("MalformedToken", "the token cannot be verified")
	}
	return verdict{metav1.ConditionTrue, "AllChecksPassed", "the token is good", claims.ExpiresAt.Time}
}

func failed(reason, message string) verdict {
	return verdict{status: metav1.ConditionFalse, reason: reason, message: message}
}
