package event

// Request is one line a client sends. No request changes anything in the
// container.
type Request struct {
	Op string `json:"op"`           // one of the Op constants
	ID string `json:"id,omitempty"` // comes back as re
	// Since chooses where a subscription begins: the first event after this seq.
	// Absent: all the history there is; Now: none of it.
	Since *uint64 `json:"since,omitempty"`
	Now   bool    `json:"now,omitempty"`
	// PID says which process to inspect.
	PID int `json:"pid,omitempty"`
	// Types chooses the types a subscription sends; empty: all.
	Types []Type `json:"types,omitempty"`
}

// The operations.
const (
	OpSubscribe = "subscribe" // history and live events; answered by Subscribed, then the stream
	OpProcesses = "processes" // the table now; answered by Process rows and ProcessesEnd
	OpInspect   = "inspect"   // everything about one process; answered by Inspect
	OpStats     = "stats"     // answered by Stats
)

// MaxRequest is the longest request line the server reads, in bytes.
const MaxRequest = 4096
