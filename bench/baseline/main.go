// The controller that the benchmarks compare with: controller-runtime as its book shows it, doing
// the core job of tokencheck and nothing else. It watches TokenChecks and Secrets, verifies the
// RS256 token that spec.tokens[0] names, and keeps one condition, Ready.
package main

import (
	"flag"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	publicKey := flag.String("public-key", "", "path of the RSA public key (PEM)")
	workers := flag.Int("workers", 8, "reconciles at the same time")
	flag.Parse() // -kubeconfig is a flag of controller-runtime itself

	ctrl.SetLogger(zap.New())
	if err := run(*publicKey, *workers); err != nil {
		ctrl.Log.Error(err, "the controller ended")
		os.Exit(1)
	}
}

func run(publicKey string, workers int) error {
	verifier, err := newVerifier(publicKey)
	if err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	// No client-side rate limit: the API server's own fairness decides, for both contenders.
	config.QPS = -1

	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme(),
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	if err := (&reconciler{mgr.GetClient(), verifier}).setup(ctx, mgr, workers); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func scheme() *runtime.Scheme {
	known := runtime.NewScheme()
	known.AddKnownTypes(groupVersion, &TokenCheck{}, &TokenCheckList{})
	metav1.AddToGroupVersion(known, groupVersion)
	if err := corev1.AddToScheme(known); err != nil {
		panic(err)
	}
	return known
}
