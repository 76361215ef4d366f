package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// findDevice is a device of the global network that can still be referred to.
func findDevice(v *state.View, gn, id string) (*state.Device, error) {
	device, ok := state.Devices.Get(v, state.Devices.Key(v.Caller.Account, gn, id))
	if !ok {
		return nil, api.NotFound("device", id)
	}
	return device, changing("device", id, device.State)
}

// createDevice makes a device, on premises or in a Region, optionally at a site.
func createDevice(tx *state.Txn, in *api.CreateDeviceInput) (*api.CreateDeviceOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkNewTags(tx, in.Tags); err != nil {
		return nil, err
	}
	if val(in.SiteId) != "" {
		if _, err := findSite(tx.View, in.GlobalNetworkId, *in.SiteId); err != nil {
			return nil, err
		}
	}
	id := tx.NewID("device")
	key := state.Devices.Key(tx.Caller.Account, in.GlobalNetworkId, id)
	if err := tx.Fits(state.QuotaDevices, "device", in.GlobalNetworkId, state.Devices.Count(tx.View, tx.Caller.Account, in.GlobalNetworkId)); err != nil {
		return nil, err
	}
	device := state.Device{
		DeviceId:        id,
		DeviceArn:       tx.ARN("device", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		AWSLocation:     mergeAWSLocation(nil, (*state.AWSLocation)(in.AWSLocation)),
		Description:     val(in.Description),
		Type:            val(in.Type),
		Vendor:          val(in.Vendor),
		Model:           val(in.Model),
		SerialNumber:    val(in.SerialNumber),
		Location:        mergeLocation(nil, (*state.Location)(in.Location)),
		SiteId:          val(in.SiteId),
		CreatedAt:       tx.Time(),
		State:           api.DeviceStatePending,
		Tags:            someTags(in.Tags),
	}
	state.Devices.Save(tx, key, &device)
	return &api.CreateDeviceOutput{Device: new(device.API())}, nil
}

// getDevices lists the devices of a global network, by id, by site, by both or all.
func getDevices(v *state.View, in *api.GetDevicesInput) (*api.GetDevicesOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.PagerOf(in.DeviceIds, in.MaxResults, in.NextToken, "GetDevices", in.GlobalNetworkId, val(in.SiteId))
	if err != nil {
		return nil, err
	}
	var at *state.Range[*state.Device]
	var keep func(*state.Device) bool
	if in.SiteId != nil {
		keep = func(d *state.Device) bool { return d.SiteId == *in.SiteId }
	}
	if val(in.SiteId) != "" {
		at = new(state.Devices.AtSite(v.Caller.Account, in.GlobalNetworkId, *in.SiteId))
	}
	key := func(id string) state.Key[*state.Device] {
		return state.Devices.Key(v.Caller.Account, in.GlobalNetworkId, id)
	}
	var out api.GetDevicesOutput
	out.Devices, out.NextToken = children(v, p, &state.Devices.Table, in.DeviceIds, key, at, keep, (*state.Device).API)
	return &out, nil
}

// updateDevice changes what is given; an empty string removes a value, an empty SiteId detaches from the site. A device
// with links cannot change its site: a link and its device stand at the same one.
func updateDevice(tx *state.Txn, in *api.UpdateDeviceInput) (*api.UpdateDeviceOutput, error) {
	gn, id := in.GlobalNetworkId, in.DeviceId
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findDevice(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	device := *old
	if in.SiteId != nil && *in.SiteId != old.SiteId {
		if *in.SiteId != "" {
			if _, err := findSite(tx.View, gn, *in.SiteId); err != nil {
				return nil, err
			}
		}
		if state.LinkAssociations.Any(tx.View, state.LinkAssociations.Using(tx.Caller.Account, gn, id)) {
			return nil, api.InvalidField("siteId", "The site of a device cannot be changed while links are associated with it.")
		}
		device.SiteId = *in.SiteId
	}
	device.AWSLocation = mergeAWSLocation(old.AWSLocation, (*state.AWSLocation)(in.AWSLocation))
	device.Location = mergeLocation(old.Location, (*state.Location)(in.Location))
	set(&device.Description, in.Description)
	set(&device.Type, in.Type)
	set(&device.Vendor, in.Vendor)
	set(&device.Model, in.Model)
	set(&device.SerialNumber, in.SerialNumber)
	device.State = api.DeviceStateUpdating
	state.Devices.Save(tx, state.Devices.Key(tx.Caller.Account, gn, id), &device)
	return &api.UpdateDeviceOutput{Device: new(device.API())}, nil
}

// deleteDevice removes a device nothing is associated with. Its site is no obstacle.
func deleteDevice(tx *state.Txn, in *api.DeleteDeviceInput) (*api.DeleteDeviceOutput, error) {
	gn, id := in.GlobalNetworkId, in.DeviceId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findDevice(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if user := userOf(tx.View, gn, id, ""); user != "" {
		return nil, api.BrokenRule("Device " + id + " cannot be deleted due to existing association with a " + user + ".")
	}
	device := *old
	device.State = api.DeviceStateDeleting
	state.Devices.Save(tx, state.Devices.Key(tx.Caller.Account, gn, id), &device)
	device.Tags = nil
	return &api.DeleteDeviceOutput{Device: new(device.API())}, nil
}

// userOf names what still uses a device, a link, or a link on a device where both are given; "" is nothing. Everything that
// is not DELETED counts.
func userOf(v *state.View, gn, device, link string) string {
	account := v.Caller.Account
	switch {
	case link == "" && state.LinkAssociations.Any(v, state.LinkAssociations.Using(account, gn, device)):
		return "link"
	case device == "" && state.LinkAssociations.Any(v, state.LinkAssociations.Using(account, gn, link)):
		return "device"
	case state.CustomerGatewayAssociations.Any(v, state.CustomerGatewayAssociations.Using(account, gn, device, link)):
		return "customer gateway"
	case state.TransitGatewayConnectPeerAssociations.Any(v, state.TransitGatewayConnectPeerAssociations.Using(account, gn, device, link)):
		return "transit gateway Connect peer"
	case state.ConnectPeerAssociations.Any(v, state.ConnectPeerAssociations.Using(account, gn, device, link)):
		return "Connect peer"
	case state.Connections.Any(v, state.Connections.Using(account, gn, device, link)):
		return "connection"
	default:
		return ""
	}
}

func mergeAWSLocation(old, given *state.AWSLocation) *state.AWSLocation {
	if given == nil {
		return old
	}
	merged := state.AWSLocation{
		Zone:      mergeMember(old, given, func(l *state.AWSLocation) *string { return l.Zone }),
		SubnetArn: mergeMember(old, given, func(l *state.AWSLocation) *string { return l.SubnetArn }),
	}
	if merged == (state.AWSLocation{}) {
		return nil
	}
	return &merged
}
