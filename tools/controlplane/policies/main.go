// Enforces the NetworkPolicies of a cluster for the Pods of one node, in the network namespace that
// it runs in: by kube-network-policies of Kubernetes' SIG Network, whose verdict the kernel asks for
// the first packet of each connection.
//
// It hands packets over by rules of its own with nftables' queue, which not every kernel has. Those
// here do it by the NFQUEUE target of iptables. Where there are both, it is asked twice.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"github.com/containerd/nri/pkg/api"
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

const queue = 100

func main() {
	kubeconfig := flag.String("kubeconfig", "", "who it is")
	node := flag.String("node", "", "the name of the node whose Pods it looks after")
	try := flag.Bool("try", false, "only hand packets over: whether the kernel has all that it takes")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := handOver()
	if err == nil && !*try {
		err = enforce(ctx, *kubeconfig, *node)
	}
	if err != nil {
		klog.Exit(err)
	}
}

// Enforces until the context ends. Nothing is forwarded before it knows the policies.
func enforce(ctx context.Context, kubeconfig, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// It would look for a container runtime, and this machine's is none of ours. Told that it has none, it
	// fails at the first address of no Pod; a socket that cannot be, it gives up.
	if err := os.Setenv(api.PluginSocketEnvVar, "none"); err != nil {
		return err
	}
	watched := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		watched.Networking().V1().NetworkPolicies(),
		watched.Core().V1().Namespaces(),
		watched.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{QueueID: queue, NodeName: node},
	)
	if err != nil {
		return err
	}
	watched.Start(ctx.Done())
	return controller.Run(ctx)
}

// From now on, what is forwarded waits for a verdict, unless it belongs to a connection that had one.
func handOver() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	for _, family := range []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyIPv6} {
		table := conn.AddTable(&nftables.Table{Name: "handover", Family: family})
		chain := conn.AddChain(&nftables.Chain{
			Name:     "forward",
			Table:    table,
			Type:     nftables.ChainTypeFilter,
			Hooknum:  nftables.ChainHookForward,
			Priority: nftables.ChainPriorityFilter,
		})
		for _, exprs := range [][]expr.Any{known(), {asked()}} {
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
		}
	}
	return conn.Flush()
}

// ct state established,related accept
func known() []expr.Any {
	bits := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	none := []byte{0, 0, 0, 0}
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: bits, Xor: none},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: none},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}

// struct xt_NFQ_info: the number of the queue, padded to eight bytes.
func asked() expr.Any {
	info := make(xt.Unknown, 8)
	binary.NativeEndian.PutUint16(info, queue)
	return &expr.Target{Name: "NFQUEUE", Info: &info}
}
