package main

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const secretField = ".spec.tokens.secretKeyRef.name"

// reconciler keeps the Ready condition of every TokenCheck true to its Secret and the clock.
type reconciler struct {
	client.Client
	verifier *verifier
}

func (r *reconciler) setup(ctx context.Context, mgr ctrl.Manager, workers int) error {
	index := func(object client.Object) []string {
		if ref := object.(*TokenCheck).secretRef(); ref != nil {
			return []string{ref.Name}
		}
		return nil
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &TokenCheck{}, secretField, index); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		// Without the predicate every status patch would bring the object back once more.
		For(&TokenCheck{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.checksOf)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}

// checksOf names the TokenChecks that the Secret concerns.
func (r *reconciler) checksOf(ctx context.Context, secret client.Object) []reconcile.Request {
	var checks TokenCheckList
	err := r.List(ctx, &checks, client.InNamespace(secret.GetNamespace()),
		client.MatchingFields{secretField: secret.GetName()})
	if err != nil {
		return nil
	}
	requests := make([]reconcile.Request, len(checks.Items))
	for i := range checks.Items {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&checks.Items[i])
	}
	return requests
}

// Reconcile judges the first token, patches the condition when it moved, and asks to be called
// again when the token expires.
func (r *reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var check TokenCheck
	if err := r.Get(ctx, request.NamespacedName, &check); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	ref := check.secretRef()
	if ref == nil {
		return reconcile.Result{}, nil
	}
	result, err := r.look(ctx, check.Namespace, ref)
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := r.publish(ctx, &check, result); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if result.expiry.IsZero() {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{RequeueAfter: max(time.Until(result.expiry), time.Millisecond)}, nil
}

func (r *reconciler) look(ctx context.Context, namespace string, ref *SecretKeyRef) (verdict, error) {
	var secret corev1.Secret
	err := r.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &secret)
	if apierrors.IsNotFound(err) {
		return failed("SecretNotFound", "there is no such Secret"), nil
	}
	if err != nil {
		return verdict{}, err
	}
	return r.verifier.judge(&secret, ref.Key), nil
}

func (r *reconciler) publish(ctx context.Context, check *TokenCheck, result verdict) error {
	before := check.DeepCopy()
	changed := meta.SetStatusCondition(&check.Status.Conditions, metav1.Condition{
		Type:               "Ready",
		Status:             result.status,
		Reason:             result.reason,
		Message:            result.message,
		ObservedGeneration: check.Generation,
	})
	if !changed && check.Status.ObservedGeneration == check.Generation {
		return nil
	}
	check.Status.ObservedGeneration = check.Generation
	return r.Status().Patch(ctx, check, client.MergeFrom(before))
}
