package server

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"portolan/api"
)

// faults are errors that somebody who tests a client has asked for: the next calls of an operation fail with them,
// before anything else happens, in the order they were asked for.
type faults struct {
	planned atomic.Int64 // how many are left in all: the only thing a call without faults looks at
	mu      sync.Mutex
	queues  map[string][]api.Exception
}

const maxFaults = 10_000

// take is the fault planned for the next call of the operation, nil for none.
func (f *faults) take(operation string) error {
	if f.planned.Load() == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	queue := f.queues[operation]
	if len(queue) == 0 {
		return nil
	}
	f.queues[operation] = queue[1:]
	f.planned.Add(-1)
	return queue[0]
}

// forget drops what was planned.
func (f *faults) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queues = nil
	f.planned.Store(0)
}

// plan reads a request: operation, error, and how often (count, default 1).
func (f *faults) plan(r *http.Request) error {
	query := r.URL.Query()
	op := api.OperationByName(query.Get("operation"))
	if op == nil {
		return api.InvalidField("operation", "Operation is not known.")
	}
	e := fault(op, query.Get("error"))
	if e == nil {
		return api.InvalidField("error", "Error is not one of the eight exceptions of the service.")
	}
	count := 1
	if text := query.Get("count"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxFaults {
			return api.InvalidField("count", "Member must be an integer from 1 to 10000.")
		}
		count = n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.planned.Load()+int64(count) > maxFaults {
		return api.InvalidField("count", "No more than 10000 faults can be planned.")
	}
	if f.queues == nil {
		f.queues = map[string][]api.Exception{}
	}
	for range count {
		f.queues[op.Name] = append(f.queues[op.Name], e)
	}
	f.planned.Add(int64(count))
	return nil
}

// fault is an exception of the type with every member filled.
func fault(op *api.Operation, typ string) api.Exception {
	const message, id, kind = "A fault was asked for.", "planned-fault", "fault"
	switch typ {
	case "AccessDeniedException":
		return &api.AccessDeniedException{Message: message}
	case "ConflictException":
		return api.Conflict(kind, id, message)
	case "CoreNetworkPolicyException":
		return &api.CoreNetworkPolicyException{Message: message, Errors: []api.CoreNetworkPolicyError{{ErrorCode: "PLANNED_FAULT", Message: "$: " + message, Path: "$"}}}
	case "InternalServerException":
		return &api.InternalServerException{Message: message, RetryAfterSeconds: 1}
	case "ResourceNotFoundException":
		return api.NotFound(kind, id)
	case "ServiceQuotaExceededException":
		return api.QuotaExceeded(kind, id, "L-00000000", 0)
	case "ThrottlingException":
		return &api.ThrottlingException{Message: "Rate exceeded", RetryAfterSeconds: 1}
	case "ValidationException":
		name := "fault"
		if len(op.Labels) > 0 {
			name = op.Labels[0]
		}
		return api.InvalidField(name, message)
	default:
		return nil
	}
}
