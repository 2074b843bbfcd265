// The registry of CNCF Distribution, for tests: logins of a file, and images in memory.
//
// It is what that project builds, without the clients of every cloud that are nine tenths of its
// build. It takes the arguments of the original: serve CONFIGURATION.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
