package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
)

// createConnection joins two devices, optionally over a link of each.
func createConnection(tx *Txn, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
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
		if d, ok := devices.Get(tx.r, tx.key("device", gn, *id)); !ok || d.State == api.DeviceStateDeleting {
			fields = append(fields, api.FieldError{Name: name, Message: "Device not found."})
		}
	}
	for name, id := range ordered("linkId", in.LinkId, "connectedLinkId", in.ConnectedLinkId) {
		if _, ok := links.Get(tx.r, tx.key("link", gn, val(id))); !ok && val(id) != "" {
			fields = append(fields, api.FieldError{Name: name, Message: "Link not found."})
		}
	}
	if len(fields) == 0 && in.DeviceId == in.ConnectedDeviceId {
		fields = append(fields, api.FieldError{Name: "connectedDeviceId", Message: "A device cannot be connected to itself."})
	}
	if err := invalid(fields); err != nil {
		return nil, err
	}
	id := tx.ids.next("connection")
	key := tx.key("connection", gn, id)
	connection := api.Connection{
		ConnectionId:      id,
		ConnectionArn:     tx.arnOf("connection", gn, id),
		GlobalNetworkId:   gn,
		DeviceId:          in.DeviceId,
		ConnectedDeviceId: in.ConnectedDeviceId,
		LinkId:            val(in.LinkId),
		ConnectedLinkId:   val(in.ConnectedLinkId),
		Description:       val(in.Description),
		CreatedAt:         api.Time{Time: tx.now},
		State:             api.ConnectionStatePending,
		Tags:              someTags(in.Tags),
	}
	if err := linksOnDevices(tx.View, &connection); err != nil {
		return nil, err
	}
	if err := tx.fits(quotaConnections, "connection", gn, counter(key, 1)); err != nil {
		return nil, err
	}
	save(tx.lc, lifecycle.Connection, connections, key, &connection, string(connection.State))
	return &api.CreateConnectionOutput{Connection: &connection}, nil
}

// getConnections lists the connections of a global network; a device id matches either end.
func getConnections(v *View, in *api.GetConnectionsInput) (*api.GetConnectionsOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken,
		append([]string{"GetConnections", in.GlobalNetworkId, val(in.DeviceId)}, in.ConnectionIds...)...)
	if err != nil {
		return nil, err
	}
	var index []string
	var keep func(*api.Connection) bool
	if in.DeviceId != nil {
		index = []string{"device", *in.DeviceId}
		keep = func(c *api.Connection) bool { return c.DeviceId == *in.DeviceId || c.ConnectedDeviceId == *in.DeviceId }
	}
	var out api.GetConnectionsOutput
	out.Connections, out.NextToken = children(v, p, connections, "connection", in.GlobalNetworkId, in.ConnectionIds, index, keep)
	return &out, nil
}

// updateConnection changes the links or the description; the devices stay. An empty string removes a value.
func updateConnection(tx *Txn, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
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
	save(tx.lc, lifecycle.Connection, connections, tx.key("connection", gn, in.ConnectionId), &connection, string(connection.State))
	return &api.UpdateConnectionOutput{Connection: &connection}, nil
}

// deleteConnection parts two devices.
func deleteConnection(tx *Txn, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	old, err := findConnection(tx.View, in.GlobalNetworkId, in.ConnectionId)
	if err != nil {
		return nil, err
	}
	connection := *old
	connection.State = api.ConnectionStateDeleting
	key := tx.key("connection", in.GlobalNetworkId, in.ConnectionId)
	save(tx.lc, lifecycle.Connection, connections, key, &connection, string(connection.State))
	connection.Tags = nil
	return &api.DeleteConnectionOutput{Connection: &connection}, nil
}

func findConnection(v *View, gn, id string) (*api.Connection, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	connection, ok := connections.Get(v.r, v.key("connection", gn, id))
	if !ok {
		return nil, api.NotFound("connection", id)
	}
	return connection, changing("connection", id, connection.State)
}

// linksOnDevices checks that each link of a connection is associated with the device at its end.
func linksOnDevices(v *View, c *api.Connection) error {
	var fields []api.FieldError
	if c.LinkId != "" && !linkIsOnDevice(v, c.GlobalNetworkId, c.DeviceId, c.LinkId) {
		fields = append(fields, linkNotOnDevice("linkId"))
	}
	if c.ConnectedLinkId != "" && !linkIsOnDevice(v, c.GlobalNetworkId, c.ConnectedDeviceId, c.ConnectedLinkId) {
		fields = append(fields, linkNotOnDevice("connectedLinkId"))
	}
	return invalid(fields)
}
