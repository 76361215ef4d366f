package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// createConnection joins two devices, optionally over a link of each.
func createConnection(tx *state.Txn, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findOpenGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	// The operation models no ResourceNotFoundException: what is missing is a wrong field.
	var fields []api.FieldError
	for name, id := range ordered("deviceId", &in.DeviceId, "connectedDeviceId", &in.ConnectedDeviceId) {
		if d, ok := state.Devices.Get(tx.View, state.Devices.Key(tx.Caller.Account, gn, *id)); !ok || d.State == api.DeviceStateDeleting {
			fields = append(fields, api.FieldError{Name: name, Message: "Device not found."})
		}
	}
	for name, id := range ordered("linkId", in.LinkId, "connectedLinkId", in.ConnectedLinkId) {
		if _, ok := state.Links.Get(tx.View, state.Links.Key(tx.Caller.Account, gn, val(id))); !ok && val(id) != "" {
			fields = append(fields, api.FieldError{Name: name, Message: "Link not found."})
		}
	}
	if len(fields) == 0 && in.DeviceId == in.ConnectedDeviceId {
		fields = append(fields, api.FieldError{Name: "connectedDeviceId", Message: "A device cannot be connected to itself."})
	}
	if err := invalid(fields); err != nil {
		return nil, err
	}
	id := tx.NewID("connection")
	key := state.Connections.Key(tx.Caller.Account, gn, id)
	connection := state.Connection{
		ConnectionId:      id,
		ConnectionArn:     tx.ARN("connection", gn, id),
		GlobalNetworkId:   gn,
		DeviceId:          in.DeviceId,
		ConnectedDeviceId: in.ConnectedDeviceId,
		LinkId:            val(in.LinkId),
		ConnectedLinkId:   val(in.ConnectedLinkId),
		Description:       val(in.Description),
		CreatedAt:         tx.Time(),
		State:             api.ConnectionStatePending,
		Tags:              someTags(in.Tags),
	}
	if err := linksOnDevices(tx.View, &connection); err != nil {
		return nil, err
	}
	if err := tx.Fits(state.QuotaConnections, "connection", gn, state.Connections.Count(tx.View, tx.Caller.Account, gn)); err != nil {
		return nil, err
	}
	state.Connections.Save(tx, key, &connection)
	return &api.CreateConnectionOutput{Connection: new(connection.API())}, nil
}

// getConnections lists the connections of a global network; a device id matches either end.
func getConnections(v *state.View, in *api.GetConnectionsInput) (*api.GetConnectionsOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.PagerOf(in.ConnectionIds, in.MaxResults, in.NextToken, "GetConnections", in.GlobalNetworkId, val(in.DeviceId))
	if err != nil {
		return nil, err
	}
	var of *state.Range[*state.Connection]
	var keep func(*state.Connection) bool
	if in.DeviceId != nil {
		of = new(state.Connections.Using(v.Caller.Account, in.GlobalNetworkId, *in.DeviceId, ""))
		keep = func(c *state.Connection) bool {
			return c.DeviceId == *in.DeviceId || c.ConnectedDeviceId == *in.DeviceId
		}
	}
	key := func(id string) state.Key[*state.Connection] {
		return state.Connections.Key(v.Caller.Account, in.GlobalNetworkId, id)
	}
	var out api.GetConnectionsOutput
	out.Connections, out.NextToken = children(v, p, &state.Connections.Table, in.ConnectionIds, key, of, keep, (*state.Connection).API)
	return &out, nil
}

// updateConnection changes the links or the description; the devices stay. An empty string removes a value.
func updateConnection(tx *state.Txn, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
	gn := in.GlobalNetworkId
	old, err := findConnection(tx.View, gn, in.ConnectionId)
	if err != nil {
		return nil, err
	}
	for _, id := range []*string{in.LinkId, in.ConnectedLinkId} {
		if val(id) == "" {
			continue
		}
		if _, err := findLink(tx.View, gn, *id); err != nil {
			return nil, err
		}
	}
	connection := *old
	set(&connection.LinkId, in.LinkId)
	set(&connection.ConnectedLinkId, in.ConnectedLinkId)
	set(&connection.Description, in.Description)
	if err := linksOnDevices(tx.View, &connection); err != nil {
		return nil, err
	}
	connection.State = api.ConnectionStateUpdating
	state.Connections.Save(tx, state.Connections.Key(tx.Caller.Account, gn, in.ConnectionId), &connection)
	return &api.UpdateConnectionOutput{Connection: new(connection.API())}, nil
}

// deleteConnection parts two devices.
func deleteConnection(tx *state.Txn, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	old, err := findConnection(tx.View, in.GlobalNetworkId, in.ConnectionId)
	if err != nil {
		return nil, err
	}
	connection := *old
	connection.State = api.ConnectionStateDeleting
	key := state.Connections.Key(tx.Caller.Account, in.GlobalNetworkId, in.ConnectionId)
	state.Connections.Save(tx, key, &connection)
	connection.Tags = nil
	return &api.DeleteConnectionOutput{Connection: new(connection.API())}, nil
}

func findConnection(v *state.View, gn, id string) (*state.Connection, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	connection, ok := state.Connections.Get(v, state.Connections.Key(v.Caller.Account, gn, id))
	if !ok {
		return nil, api.NotFound("connection", id)
	}
	return connection, changing("connection", id, connection.State)
}

// linksOnDevices checks that each link of a connection is associated with the device at its end.
func linksOnDevices(v *state.View, c *state.Connection) error {
	var fields []api.FieldError
	if c.LinkId != "" && !linkIsOnDevice(v, c.GlobalNetworkId, c.DeviceId, c.LinkId) {
		fields = append(fields, linkNotOnDevice("linkId"))
	}
	if c.ConnectedLinkId != "" && !linkIsOnDevice(v, c.GlobalNetworkId, c.ConnectedDeviceId, c.ConnectedLinkId) {
		fields = append(fields, linkNotOnDevice("connectedLinkId"))
	}
	return invalid(fields)
}
