// Vault's own core and HTTP API on loopback, for tests: nothing but tokens and policies, in memory.
//
// A Vault of no data: initialised and unsealed when it starts, and gone with its process. It says
// in one line of JSON on standard output where it serves, and its root token and unseal key; it ends
// with its standard input.
package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	certificate := flag.String("cert", "", "PEM of the server's certificate")
	key := flag.String("key", "", "PEM of its key")
	flag.Parse()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	core, started := started(logger)
	pair := must(tls.LoadX509KeyPair(*certificate, *key))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{},
	})
	server := &http.Server{
		Handler:   handler,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
		ErrorLog:  logger.StandardLogger(nil),
	}
	go func() { must(0, server.ServeTLS(listener, "", "")) }()
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{
		"address":   listener.Addr().String(),
		"rootToken": started.RootToken,
		"unsealKey": hex.EncodeToString(started.SecretShares[0]),
	}))
	must(io.Copy(io.Discard, os.Stdin))
}

// started returns a core that is initialised and unsealed, with what that gave.
func started(logger hclog.Logger) (*vault.Core, *vault.InitResult) {
	storage := must(inmem.NewInmem(nil, logger))
	core := must(vault.NewCore(&vault.CoreConfig{
		Physical:     storage,
		StorageType:  "inmem",
		Logger:       logger,
		DisableMlock: true,
	}))
	result := must(core.Initialize(
		namespace.RootContext(context.Background()),
		&vault.InitParams{BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1, StoredShares: 1}},
	))
	// Unseal takes the bytes that it is given.
	must(core.Unseal(append([]byte(nil), result.SecretShares[0]...)))
	return core, result
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
