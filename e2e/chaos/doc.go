// Package chaos tries rollcall where everything goes wrong at once: its calls are
// refused, answered twice, lost or late, its watches end, its connections are cut,
// its processes are killed, and two of them fight for the lead, while Deployments
// are released, reverted, rolled back, scaled, restarted, deleted and broken.
//
// What must come of it is judged by an oracle that sees none of that: it reads
// every state of every Deployment from the API server itself, computes which
// releases became fully ready, and demands exactly one Workflow for each, none of
// them early. [Judge] is where its rules stand.
//
// All chance comes from one seed, which is printed and can be given. It fixes what
// is done and what goes wrong in which order; it cannot fix how the two meet.
package chaos
