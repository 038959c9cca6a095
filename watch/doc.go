// Package watch keeps the informers, hands on a snapshot worth judging, and
// later sees how started runs end.
//
// It watches lean and verifies live. The caches hold no more of an object than
// its identity, its counters and its images; a subject whose identity equals
// that of its newest settled record is dropped there and then, at the cost of
// two map lookups. Any other is a candidate:
//
//	changed identity ──► read live ──► claimed (Rolling)
//	claimed          ──► judged lean on each event and tick ──► read live ──► announced
//
// Only what was read live, in the order Deployment, ReplicaSets, Application,
// may lead to an event. An Application that is read after the Deployment was
// seen ready cannot still show the state before the sync that made it so.
//
// Nothing here depends on seeing a particular update. Handlers only put the
// subject's name on the work queue; what is true is read when it is taken off.
package watch
