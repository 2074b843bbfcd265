// Toxiproxy stands before servers of the tests and spoils what they say.
//
// One JSON object a line on stdin, one on stdout: a road to a server, or one that is there, and what
// is wrong on it from now on. Whatever went wrong on it before is taken away. It ends with its input.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Asked is a road by its upstream (a new one) or its name (one that is there), with all its toxics.
type Asked struct {
	Upstream string            `json:"upstream"`
	Name     string            `json:"name"`
	Toxics   []json.RawMessage `json:"toxics"`
}

// Made says where the road begins, which is its name too.
type Made struct {
	Name  string `json:"name"`
	Fault string `json:"fault,omitempty"`
}

func main() {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	roads := map[string]*toxiproxy.Proxy{}
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		name, err := laid(server, roads, lines.Bytes())
		made := Made{Name: name}
		if err != nil {
			made.Fault = err.Error()
		}
		if err := out.Encode(made); err != nil {
			return
		}
	}
}

func laid(server *toxiproxy.ApiServer, roads map[string]*toxiproxy.Proxy, line []byte) (string, error) {
	var asked Asked
	if err := json.Unmarshal(line, &asked); err != nil {
		return "", err
	}
	road := roads[asked.Name]
	if road == nil {
		road = toxiproxy.NewProxy(server, asked.Upstream, "127.0.0.1:0", asked.Upstream)
		if err := road.Start(); err != nil {
			return "", err
		}
		roads[road.Listen] = road
	}
	road.Toxics.ResetToxics(context.Background())
	for _, toxic := range asked.Toxics {
		if _, err := road.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
			return road.Listen, err
		}
	}
	return road.Listen, nil
}
