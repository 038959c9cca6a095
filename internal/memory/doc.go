// Package memory is an API server in memory, and caches over it, for code that is
// to run on a clock of its own in one goroutine.
//
// A [Server] is an [net/http.RoundTripper]: client-go's clients call it as they
// would call a connection, and it answers before it returns. It knows optimistic
// concurrency, the status subresource, label selectors, names, and custom
// resources that are not installed. It keeps every write with its time, so that
// it can be asked for the world as it was.
//
// [Caches] makes informers that do nothing by themselves. They see what has
// changed when they are told to look, and may lag behind by as much as is wanted.
// Everything between two looks is seen as one change, as after a lost connection.
package memory
