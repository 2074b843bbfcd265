// Gojose says what go-jose makes of a token, without a line of the operator's code.
//
// One JSON object a line on stdin, one on stdout: all faults of the token in one word each, none
// when it is good. The library parses, verifies and validates; which keys are tried is chosen here,
// by RFC 7515 section 4.1.4 and RFC 7517 section 4.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Question is a token with what is expected of it.
type Question struct {
	Token      []byte                    `json:"token"`
	JWKS       string                    `json:"jwks"`
	Algorithms []jose.SignatureAlgorithm `json:"algorithms"`
	Issuer     string                    `json:"issuer"`
	Audiences  []string                  `json:"audiences"`
	Now        int64                     `json:"now"`
	Skew       int64                     `json:"skew"`
}

func (q Question) now() time.Time        { return time.Unix(q.Now, 0) }
func (q Question) leeway() time.Duration { return time.Duration(q.Skew) * time.Second }

// Answer lists the faults; of a token that cannot be parsed there is only one.
type Answer struct {
	Faults []string `json:"faults"`
}

// What a fault is called.
const (
	malformed      = "malformed"
	algorithm      = "algorithm"
	unknownKey     = "unknown-key" // none that is known can judge the signature
	signature      = "signature"
	form           = "-form" // after the name of a claim: the library does not take it
	expired        = "expired"
	notYet         = "not-yet"
	issuedInFuture = "issued-in-future"
	issuer         = "issuer"
	audience       = "audience"
)

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked Question
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, "the question is not JSON of the form that is expected")
			os.Exit(1)
		}
		if err := out.Encode(Answer{Faults: faultsOf(asked)}); err != nil {
			return
		}
	}
}
