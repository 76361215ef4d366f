package bgp

import "fmt"

// State is a state of RFC 4271 §8.2.2.
type State uint8

const (
	Idle State = iota
	Connect
	Active
	OpenSent
	OpenConfirm
	Established
)

// String is the name that the RFC gives the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

var stateNames = [...]string{"Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"}

// event is an event of RFC 4271 §8.1, with its number.
type event uint8

const (
	manualStart                   event = 1
	manualStop                    event = 2
	automaticStart                event = 3
	manualStartPassive            event = 4
	automaticStartPassive         event = 5
	automaticStartDampened        event = 6
	automaticStartDampenedPassive event = 7
	automaticStop                 event = 8
	connectRetryExpires           event = 9
	holdExpires                   event = 10
	keepaliveExpires              event = 11
	delayOpenExpires              event = 12
	idleHoldExpires               event = 13
	tcpConnectionValid            event = 14
	tcpConnectionInvalid          event = 15
	tcpConnectionAcknowledged     event = 16 // ours
	tcpConnectionConfirmed        event = 17 // the peer's
	tcpConnectionFails            event = 18
	openReceived                  event = 19
	openReceivedDelayed           event = 20 // while the DelayOpenTimer runs
	headerError                   event = 21
	openError                     event = 22
	openCollisionDump             event = 23
	notificationVersionError      event = 24
	notificationReceived          event = 25
	keepaliveReceived             event = 26
	updateReceived                event = 27
	updateError                   event = 28
	firstEvent                          = manualStart
	lastEvent                           = updateError
)

// action is what a transition asks for: a set of bits, carried out in the order of the bits.
type action uint32

const (
	sendCause          action = 1 << iota // the NOTIFICATION that came with the event
	sendFSMError                          // NOTIFICATION 5 with the subcode of the state
	dropConnection                        // release: close, stop the hold, keepalive and delay-open timers
	flushRoutes                           // delete the routes of this session, or mark them as stale
	zeroRetries                           // ConnectRetryCounter = 0
	countRetry                            // ConnectRetryCounter + 1
	damp                                  // stay Idle for a while that grows
	stopConnectRetry                      //
	startConnectRetry                     //
	stopDelayOpen                         //
	startDelayOpen                        //
	initiateConnection                    // open a TCP connection to the peer
	sendOpen                              //
	sendKeepalive                         //
	startHoldLong                         // four minutes, until the peer has said what it wants
	startHold                             // the negotiated time
	startKeepalive                        // a third of it
	becomeEstablished                     //
	processUpdate                         //
)

// machine is the state machine of RFC 4271 §8 for one connection, as a value: it performs nothing.
type machine struct {
	state     State
	delayOpen bool // the DelayOpen attribute: wait before an OPEN is sent
	delaying  bool // the DelayOpenTimer runs
}

const (
	release = dropConnection | stopConnectRetry
	fail    = release | countRetry | damp // to Idle because of an error
)

// step is the next state and what is to be done on the way.
func (m machine) step(e event) (State, action) {
	switch m.state {
	case Idle:
		return m.idle(e)
	case Connect:
		return m.connect(e)
	case Active:
		return m.active(e)
	case OpenSent:
		return m.openSent(e)
	case OpenConfirm:
		return m.openConfirm(e)
	default:
		return m.established(e)
	}
}

func (m machine) idle(e event) (State, action) {
	switch e {
	case manualStart, automaticStart:
		return Connect, zeroRetries | startConnectRetry | initiateConnection
	case manualStartPassive, automaticStartPassive:
		return Active, zeroRetries | startConnectRetry
	case automaticStartDampened:
		return Connect, startConnectRetry | initiateConnection
	case automaticStartDampenedPassive:
		return Active, startConnectRetry
	}
	return Idle, 0
}

func (m machine) connect(e event) (State, action) {
	switch e {
	case manualStart, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDampened, automaticStartDampenedPassive,
		tcpConnectionValid, tcpConnectionInvalid:
		return Connect, 0
	case manualStop:
		return Idle, release | zeroRetries
	case connectRetryExpires:
		return Connect, dropConnection | startConnectRetry | stopDelayOpen | initiateConnection
	case tcpConnectionFails:
		if m.delaying {
			return Active, dropConnection | startConnectRetry | stopDelayOpen
		}
		return Idle, release | damp
	}
	return m.beforeOpen(e)
}

func (m machine) active(e event) (State, action) {
	switch e {
	case manualStart, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDampened, automaticStartDampenedPassive,
		tcpConnectionValid, tcpConnectionInvalid:
		return Active, 0
	case manualStop:
		return Idle, release | stopDelayOpen | zeroRetries
	case connectRetryExpires:
		return Connect, startConnectRetry | initiateConnection
	case tcpConnectionFails:
		return Idle, dropConnection | startConnectRetry | stopDelayOpen | countRetry | damp
	}
	return m.beforeOpen(e)
}

// beforeOpen is what the states Connect and Active have in common.
func (m machine) beforeOpen(e event) (State, action) {
	switch e {
	case tcpConnectionAcknowledged, tcpConnectionConfirmed:
		if m.delayOpen {
			return m.state, stopConnectRetry | startDelayOpen
		}
		return OpenSent, stopConnectRetry | sendOpen | startHoldLong
	case delayOpenExpires:
		return OpenSent, stopConnectRetry | stopDelayOpen | sendOpen | startHoldLong
	case openReceivedDelayed:
		return OpenConfirm, stopConnectRetry | stopDelayOpen | sendOpen | sendKeepalive | startKeepalive | startHold
	case notificationVersionError:
		if m.delaying {
			return Idle, release | stopDelayOpen
		}
	}
	return Idle, fail | stopDelayOpen
}

func (m machine) openSent(e event) (State, action) {
	switch e {
	case manualStart, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDampened, automaticStartDampenedPassive,
		tcpConnectionValid, tcpConnectionInvalid, tcpConnectionAcknowledged, tcpConnectionConfirmed:
		return OpenSent, 0
	case manualStop:
		return Idle, sendCause | release | zeroRetries
	case automaticStop, holdExpires, headerError, openError, openCollisionDump:
		return Idle, sendCause | fail
	case tcpConnectionFails:
		return Active, dropConnection | startConnectRetry
	case openReceived:
		return OpenConfirm, stopDelayOpen | stopConnectRetry | sendKeepalive | startKeepalive | startHold
	case notificationVersionError:
		return Idle, release
	}
	return Idle, sendFSMError | fail
}

func (m machine) openConfirm(e event) (State, action) {
	switch e {
	case manualStart, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDampened, automaticStartDampenedPassive,
		tcpConnectionValid, tcpConnectionInvalid, tcpConnectionAcknowledged, tcpConnectionConfirmed:
		return OpenConfirm, 0
	case manualStop:
		return Idle, sendCause | release | zeroRetries
	case automaticStop, holdExpires, headerError, openError, openCollisionDump:
		return Idle, sendCause | fail
	case keepaliveExpires:
		return OpenConfirm, sendKeepalive | startKeepalive
	case tcpConnectionFails, notificationReceived:
		return Idle, fail
	case notificationVersionError:
		return Idle, release
	case keepaliveReceived:
		return Established, startHold | becomeEstablished
	}
	return Idle, sendFSMError | fail
}

func (m machine) established(e event) (State, action) {
	switch e {
	case manualStart, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDampened, automaticStartDampenedPassive,
		tcpConnectionValid, tcpConnectionInvalid, tcpConnectionAcknowledged, tcpConnectionConfirmed:
		return Established, 0
	case manualStop:
		return Idle, sendCause | flushRoutes | release | zeroRetries
	case automaticStop, holdExpires, headerError, openCollisionDump, updateError:
		return Idle, sendCause | flushRoutes | fail
	case keepaliveExpires:
		return Established, sendKeepalive | startKeepalive
	case tcpConnectionFails, notificationVersionError, notificationReceived:
		return Idle, flushRoutes | fail
	case keepaliveReceived:
		return Established, startHold
	case updateReceived:
		return Established, processUpdate | startHold
	}
	return Idle, sendFSMError | flushRoutes | fail
}
