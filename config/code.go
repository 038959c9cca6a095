package config

// Code says of which sort a mistake is. It stays the same when its words change, so
// that programs can go by it.
type Code string

// The codes of mistakes.
const (
	Unreadable    Code = "unreadable"
	UnknownField  Code = "unknown-field"
	NotSupported  Code = "not-supported"
	WrongType     Code = "wrong-type"
	WrongValue    Code = "wrong-value"
	UnknownWord   Code = "unknown-word"
	Missing       Code = "missing"
	Twice         Code = "twice"
	Contradiction Code = "contradiction"
	Expression    Code = "expression"
	OutOfReach    Code = "out-of-reach"
)

// The codes of warnings.
const (
	UnusedSink       Code = "unused-sink"
	NeverTrue        Code = "never-true"
	Costly           Code = "costly"
	NoEffect         Code = "no-effect"
	EmptyOutcome     Code = "empty-outcome"
	UnknownToCluster Code = "unknown-to-cluster"
)

// Sort is a code, and what mistakes of it have in common, in a sentence.
type Sort struct {
	Code Code
	Doc  string
	// Warning says that it is no mistake.
	Warning bool
}

// Sorts lists all codes.
func Sorts() []Sort {
	return []Sort{
		{Code: Unreadable, Doc: "The text as a whole cannot be read."},
		{Code: UnknownField, Doc: "There is no such field."},
		{Code: NotSupported, Doc: "This is not supported, or not yet."},
		{Code: WrongType, Doc: "A field holds something of another type than it should."},
		{Code: WrongValue, Doc: "A value is not as it must be."},
		{Code: UnknownWord, Doc: "There is no such word, kind or sink."},
		{Code: Missing, Doc: "Something that is needed is not there."},
		{Code: Twice, Doc: "Something is there twice."},
		{Code: Contradiction, Doc: "Two parts of a rule or sink do not fit together."},
		{Code: Expression, Doc: "An expression is wrong."},
		{Code: OutOfReach, Doc: "Rules of a namespace reach no further than it."},
		{Code: UnusedSink, Doc: "No rule sends to the sink.", Warning: true},
		{Code: NeverTrue, Doc: "The condition can never be true.", Warning: true},
		{Code: Costly, Doc: "The condition may cost more than an evaluation is allowed to.", Warning: true},
		{Code: NoEffect, Doc: "Nothing comes of the rule.", Warning: true},
		{Code: EmptyOutcome, Doc: "A parameter reads outcome where there is none.", Warning: true},
		{Code: UnknownToCluster, Doc: "The cluster does not know a kind that a rule is about, or looks up.", Warning: true},
	}
}
