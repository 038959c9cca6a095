// Package emit writes the record of each release, and delivers an event to each
// sink that a rule names.
//
// The record, a Release object, is the ledger and the outbox in one. Creating it
// is the claim to the release. That it is ready, and what is to be sent because
// of that, is written in one update, before anything is sent. From then on the
// record alone says what is left to do:
//
//	Rolling ─► Ready + deliveries Pending ─► each sent ─► Sent ─► outcome
//	                                          └─ error: later, Dead after a day
//
// A crash at any point leaves a record that says how to go on. A delivery may be
// attempted twice; what a sink creates is named after the event, so that the
// second attempt finds it there.
//
// There is one retry mechanism: the work queue, and the time of the next attempt
// in the record. Sinks do not retry.
package emit
