// Oracle says what is true of a token, without a line of the operator's code.
//
// One JSON object a line on stdin: a token of a TokenCheck's spec, the spec of the TokenProvider
// and the Secret's data (null: there is none). One line for each on stdout: what Ready must say,
// from which second of Unix time on. The verdict between two of them does not change.
//
// The parser and the signatures are go-jose's; the rules are those of docs/reasons.md, written
// again from the page.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sort"
)

// Case is one question.
type Case struct {
	Token    Token             `json:"token"`
	Provider *Provider         `json:"provider"`
	Data     map[string]string `json:"data"`
	Exists   bool              `json:"exists"`
}

// Segment is what Ready says from a second on, and what of it only warns.
type Segment struct {
	From   float64  `json:"from"`
	Ready  string   `json:"ready"`
	Reason string   `json:"reason"`
	Warns  []string `json:"warns"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked Case
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, "the question is not JSON of the form that is expected")
			os.Exit(1)
		}
		if err := out.Encode(segmentsOf(asked)); err != nil {
			return
		}
	}
}

func segmentsOf(asked Case) []Segment {
	read := readCase(asked)
	moments := append([]float64{0}, read.moments(asked)...)
	sort.Slice(moments, func(i, j int) bool { return moments[i] < moments[j] })
	segments := []Segment{}
	for _, moment := range moments {
		segment := read.judge(asked, moment)
		if n := len(segments); n > 0 && same(segments[n-1], segment) {
			continue
		}
		segments = append(segments, segment)
	}
	return segments
}

func same(a, b Segment) bool {
	return a.Ready == b.Ready && a.Reason == b.Reason && fmt.Sprint(a.Warns) == fmt.Sprint(b.Warns)
}

// readCase finds the text of the token and what it says.
func readCase(asked Case) Read {
	if !asked.Exists {
		return Read{missing: "SecretNotFound"}
	}
	encoded, there := asked.Data[asked.Token.SecretKeyRef.Key]
	if !there {
		return Read{missing: "SecretKeyNotFound"}
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		fmt.Fprintln(os.Stderr, "a Secret's data is not base64: the history is broken")
		os.Exit(1)
	}
	return readText(string(text), asked)
}
