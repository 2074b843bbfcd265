package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const day = 86_400

// Token is an item of spec.tokens of a TokenCheck.
type Token struct {
	SecretKeyRef struct{ Name, Key string }
	Issuer       string
	Audiences    []string
	Subject      string
	Scopes       struct{ Required, Allowed, Forbidden []string }
	Expiry       struct{ WarnBefore, FailBefore string }
	// Baseline is what the token was when it was accepted; a spec has none, the history tells it.
	Baseline *struct{ Scopes []string }
}

// Provider is the spec of a TokenProvider, with keys of its own.
type Provider struct {
	JWT struct {
		Issuer    string
		ClockSkew string
		Keys      struct{ JWKS jose.JSONWebKeySet }
	}
}

// rule is one line of the chain: whether it fails, or only warns, at a moment.
type rule struct {
	reason string
	holds  bool
}

// moments at which time alone changes something.
func (r Read) moments(asked Case) []float64 {
	found := []float64{}
	for _, at := range []*float64{r.end(), r.warnAt(asked), r.failAt(asked), r.validAt(asked), r.issuedAt(asked)} {
		if at != nil {
			found = append(found, *at)
		}
	}
	return found
}

// judge says what Ready is: the first rule that fails, else an open question, else warnings.
func (r Read) judge(asked Case, now float64) Segment {
	if r.missing != "" {
		return Segment{From: now, Ready: "False", Reason: r.missing, Warns: []string{}}
	}
	if reason := first(r.failures(asked, now)); reason != "" {
		return Segment{From: now, Ready: "False", Reason: reason, Warns: []string{}}
	}
	warns := all(r.warnings(asked, now))
	switch {
	case r.signature == unknownKey:
		return Segment{From: now, Ready: "Unknown", Reason: "KeyNotFound", Warns: warns}
	case len(warns) > 0:
		return Segment{From: now, Ready: "True", Reason: "PassedWithWarnings", Warns: warns}
	}
	return Segment{From: now, Ready: "True", Reason: "AllChecksPassed", Warns: warns}
}

// failures in the order of the chain that docs/reasons.md shows.
func (r Read) failures(asked Case, now float64) []rule {
	if r.malformed {
		return []rule{{"MalformedToken", true}}
	}
	spec, claims, granted := asked.Token, r.claims, r.granted()
	issuer := asked.Provider.JWT.Issuer
	return []rule{
		{"ClaimInvalid", r.misformed},
		{"SignatureInvalid", r.signature == invalid},
		{"IssuerMismatch", (spec.Issuer != "" && claims.Issuer != spec.Issuer) || (issuer != "" && claims.Issuer != issuer)},
		{"AudienceMismatch", len(spec.Audiences) > 0 && !overlap(claims.Audience, spec.Audiences)},
		{"SubjectMismatch", spec.Subject != "" && claims.Subject != spec.Subject},
		{"NotYetValid", before(now, r.validAt(asked))},
		{"TokenExpired", reached(now, r.end())},
		{"ExpiringSoon", reached(now, r.failAt(asked))},
		{"ScopeMissing", !contains(granted, spec.Scopes.Required)},
		{"ScopeForbidden", overlap(granted, spec.Scopes.Forbidden)},
	}
}

func (r Read) warnings(asked Case, now float64) []rule {
	spec := asked.Token
	named := slices.Concat(spec.Scopes.Required, spec.Scopes.Allowed)
	return []rule{
		{"TrailingWhitespace", r.spaced},
		{"AudienceTooBroad", len(spec.Audiences) > 0 && !contains(spec.Audiences, r.claims.Audience)},
		{"IssuedInFuture", before(now, r.issuedAt(asked))},
		{"NoExpiry", r.end() == nil},
		{"ExpiringSoon", reached(now, r.warnAt(asked))},
		{"Drifted", spec.Baseline != nil && !equal(spec.Baseline.Scopes, r.granted())},
		{"ScopeExcess", len(named) > 0 && !contains(named, r.granted())},
	}
}

func (r Read) granted() []string {
	if r.claims.Scope == nil {
		return nil
	}
	return strings.Fields(*r.claims.Scope)
}

func (r Read) end() *float64 { return r.claims.ExpiresAt }

// warnAt is the spec's warnBefore, by default the smaller of 14 days and a fifth of the lifetime.
func (r Read) warnAt(asked Case) *float64 {
	if r.end() == nil {
		return nil
	}
	if asked.Token.Expiry.WarnBefore != "" {
		return moved(r.end(), -seconds(asked.Token.Expiry.WarnBefore))
	}
	if r.claims.IssuedAt == nil {
		return nil
	}
	return moved(r.end(), -min(14*day, (*r.end()-*r.claims.IssuedAt)/5))
}

func (r Read) failAt(asked Case) *float64 {
	if r.end() == nil || asked.Token.Expiry.FailBefore == "" {
		return nil
	}
	return moved(r.end(), -seconds(asked.Token.Expiry.FailBefore))
}

func (r Read) validAt(asked Case) *float64 { return moved(r.claims.NotBefore, -skew(asked)) }

func (r Read) issuedAt(asked Case) *float64 { return moved(r.claims.IssuedAt, -skew(asked)) }

func skew(asked Case) float64 {
	if asked.Provider.JWT.ClockSkew == "" {
		return 60
	}
	return seconds(asked.Provider.JWT.ClockSkew)
}

// seconds of a duration with one unit, such as 72h or 14d.
func seconds(text string) float64 {
	units := map[byte]float64{'s': 1, 'm': 60, 'h': 3600, 'd': day}
	number, err := strconv.ParseFloat(text[:len(text)-1], 64)
	if err != nil {
		panic("a duration of one number and one unit is expected")
	}
	return number * units[text[len(text)-1]]
}

func moved(at *float64, by float64) *float64 {
	if at == nil {
		return nil
	}
	later := *at + by
	return &later
}

func reached(now float64, at *float64) bool { return at != nil && now >= *at }

func before(now float64, at *float64) bool { return at != nil && now < *at }

func overlap(some, others []string) bool {
	return slices.ContainsFunc(some, func(one string) bool { return slices.Contains(others, one) })
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

func equal(some, others []string) bool {
	return contains(some, others) && contains(others, some)
}

func first(rules []rule) string {
	for _, one := range rules {
		if one.holds {
			return one.reason
		}
	}
	return ""
}

func all(rules []rule) []string {
	reasons := []string{}
	for _, one := range rules {
		if one.holds {
			reasons = append(reasons, one.reason)
		}
	}
	return reasons
}
