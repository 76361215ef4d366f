package service

import (
	"context"

	"portolan/api"
	"portolan/internal/lifecycle"
)

// CreateConnection joins two devices, optionally over a link of each.
func (s *Service) CreateConnection(ctx context.Context, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.CreateConnectionOutput, error) {
		gn := in.GlobalNetworkId
		if _, err := tx.openGlobalNetwork(gn); err != nil {
			return nil, err
		}
		if err := tx.checkNewTags(in.Tags); err != nil {
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
		id := s.ids.next("connection")
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
		if err := tx.linksOnDevices(&connection); err != nil {
			return nil, err
		}
		if err := tx.fits(quotaConnections, "connection", gn, counter(key, 1)); err != nil {
			return nil, err
		}
		save(tx.lc, lifecycle.Connection, connections, key, &connection, string(connection.State))
		return &api.CreateConnectionOutput{Connection: &connection}, nil
	})
}

// GetConnections lists the connections of a global network; a device id matches either end.
func (s *Service) GetConnections(ctx context.Context, in *api.GetConnectionsInput) (*api.GetConnectionsOutput, error) {
	return read(ctx, s, func(v *view) (*api.GetConnectionsOutput, error) {
		if _, err := v.globalNetwork(in.GlobalNetworkId); err != nil {
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
	})
}

// UpdateConnection changes the links or the description; the devices stay. An empty string removes a value.
func (s *Service) UpdateConnection(ctx context.Context, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.UpdateConnectionOutput, error) {
		gn := in.GlobalNetworkId
		old, err := tx.connection(gn, in.ConnectionId)
		if err != nil {
			return nil, err
		}
		for _, id := range []*string{in.LinkId, in.ConnectedLinkId} {
			if val(id) == "" {
				continue
			}
			if _, err := tx.link(gn, *id); err != nil {
				return nil, err
			}
		}
		connection := *old
		set(&connection.LinkId, in.LinkId)
		set(&connection.ConnectedLinkId, in.ConnectedLinkId)
		set(&connection.Description, in.Description)
		if err := tx.linksOnDevices(&connection); err != nil {
			return nil, err
		}
		connection.State = api.ConnectionStateUpdating
		save(tx.lc, lifecycle.Connection, connections, tx.key("connection", gn, in.ConnectionId), &connection, string(connection.State))
		return &api.UpdateConnectionOutput{Connection: &connection}, nil
	})
}

// DeleteConnection parts two devices.
func (s *Service) DeleteConnection(ctx context.Context, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	return update(ctx, s, func(tx *txn) (*api.DeleteConnectionOutput, error) {
		old, err := tx.connection(in.GlobalNetworkId, in.ConnectionId)
		if err != nil {
			return nil, err
		}
		connection := *old
		connection.State = api.ConnectionStateDeleting
		key := tx.key("connection", in.GlobalNetworkId, in.ConnectionId)
		save(tx.lc, lifecycle.Connection, connections, key, &connection, string(connection.State))
		connection.Tags = nil
		return &api.DeleteConnectionOutput{Connection: &connection}, nil
	})
}

func (v *view) connection(gn, id string) (*api.Connection, error) {
	if _, err := v.globalNetwork(gn); err != nil {
		return nil, err
	}
	connection, ok := connections.Get(v.r, v.key("connection", gn, id))
	if !ok {
		return nil, api.NotFound("connection", id)
	}
	return connection, changing("connection", id, connection.State)
}

// linksOnDevices checks that each link of a connection is associated with the device at its end.
func (v *view) linksOnDevices(c *api.Connection) error {
	var fields []api.FieldError
	if c.LinkId != "" && !v.linkIsOnDevice(c.GlobalNetworkId, c.DeviceId, c.LinkId) {
		fields = append(fields, linkNotOnDevice("linkId"))
	}
	if c.ConnectedLinkId != "" && !v.linkIsOnDevice(c.GlobalNetworkId, c.ConnectedDeviceId, c.ConnectedLinkId) {
		fields = append(fields, linkNotOnDevice("connectedLinkId"))
	}
	return invalid(fields)
}
