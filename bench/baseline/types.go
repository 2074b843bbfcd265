package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "tokencheck.dev", Version: "v1alpha1"}

// TokenCheck has only the fields that this controller reads or writes.
type TokenCheck struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   TokenCheckSpec   `json:"spec,omitempty"`
	Status TokenCheckStatus `json:"status,omitempty"`
}

// TokenCheckSpec lists the tokens; the first one is verified.
type TokenCheckSpec struct {
	Tokens []TokenSpec `json:"tokens,omitempty"`
}

// TokenSpec names where a token is.
type TokenSpec struct {
	Name         string        `json:"name"`
	SecretKeyRef *SecretKeyRef `json:"secretKeyRef,omitempty"`
}

// SecretKeyRef names a key of a Secret in the same namespace.
type SecretKeyRef struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// TokenCheckStatus holds one condition, Ready.
type TokenCheckStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// TokenCheckList is what the cache lists.
type TokenCheckList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []TokenCheck `json:"items"`
}

// secretRef is the Secret and key of the first token, or nil.
func (c *TokenCheck) secretRef() *SecretKeyRef {
	if len(c.Spec.Tokens) == 0 {
		return nil
	}
	return c.Spec.Tokens[0].SecretKeyRef
}

// DeepCopyInto is what controller-gen would write.
func (c *TokenCheck) DeepCopyInto(out *TokenCheck) {
	*out = *c
	c.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	if c.Spec.Tokens != nil {
		out.Spec.Tokens = make([]TokenSpec, len(c.Spec.Tokens))
		copy(out.Spec.Tokens, c.Spec.Tokens)
		for i, token := range c.Spec.Tokens {
			if token.SecretKeyRef != nil {
				ref := *token.SecretKeyRef
				out.Spec.Tokens[i].SecretKeyRef = &ref
			}
		}
	}
	if c.Status.Conditions != nil {
		out.Status.Conditions = make([]metav1.Condition, len(c.Status.Conditions))
		for i := range c.Status.Conditions {
			c.Status.Conditions[i].DeepCopyInto(&out.Status.Conditions[i])
		}
	}
}

// DeepCopyObject makes TokenCheck a runtime.Object.
func (c *TokenCheck) DeepCopyObject() runtime.Object {
	out := new(TokenCheck)
	c.DeepCopyInto(out)
	return out
}

// DeepCopyObject makes TokenCheckList a runtime.Object.
func (l *TokenCheckList) DeepCopyObject() runtime.Object {
	out := &TokenCheckList{TypeMeta: l.TypeMeta, Items: make([]TokenCheck, len(l.Items))}
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&out.Items[i])
	}
	return out
}

// DeepCopy is what controller-gen would write.
func (c *TokenCheck) DeepCopy() *TokenCheck {
	out := new(TokenCheck)
	c.DeepCopyInto(out)
	return out
}
