package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
)

// findDevice is a device of the global network that can still be referred to.
func findDevice(v *View, gn, id string) (*api.Device, error) {
	device, ok := devices.Get(v.r, v.key("device", gn, id))
	if !ok {
		return nil, api.NotFound("device", id)
	}
	return device, changing("device", id, device.State)
}

// createDevice makes a device, on premises or in a Region, optionally at a site.
func createDevice(tx *Txn, in *api.CreateDeviceInput) (*api.CreateDeviceOutput, error) {
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
	id := tx.ids.next("device")
	key := tx.key("device", in.GlobalNetworkId, id)
	if err := tx.fits(quotaDevices, "device", in.GlobalNetworkId, counter(key, 1)); err != nil {
		return nil, err
	}
	device := api.Device{
		DeviceId:        id,
		DeviceArn:       tx.arnOf("device", in.GlobalNetworkId, id),
		GlobalNetworkId: in.GlobalNetworkId,
		AWSLocation:     mergeAWSLocation(nil, in.AWSLocation),
		Description:     val(in.Description),
		Type:            val(in.Type),
		Vendor:          val(in.Vendor),
		Model:           val(in.Model),
		SerialNumber:    val(in.SerialNumber),
		Location:        mergeLocation(nil, in.Location),
		SiteId:          val(in.SiteId),
		CreatedAt:       api.Time{Time: tx.now},
		State:           api.DeviceStatePending,
		Tags:            someTags(in.Tags),
	}
	save(tx.lc, lifecycle.Device, devices, key, &device, string(device.State))
	return &api.CreateDeviceOutput{Device: &device}, nil
}

// getDevices lists the devices of a global network, by id, by site, by both or all.
func getDevices(v *View, in *api.GetDevicesInput) (*api.GetDevicesOutput, error) {
	if _, err := findGlobalNetwork(v, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetDevices", in.GlobalNetworkId, val(in.SiteId)}, in.DeviceIds...)...)
	if err != nil {
		return nil, err
	}
	var index []string
	var keep func(*api.Device) bool
	if in.SiteId != nil {
		keep = func(d *api.Device) bool { return d.SiteId == *in.SiteId }
	}
	if val(in.SiteId) != "" {
		index = []string{"site", *in.SiteId}
	}
	var out api.GetDevicesOutput
	out.Devices, out.NextToken = children(v, p, devices, "device", in.GlobalNetworkId, in.DeviceIds, index, keep)
	return &out, nil
}

// updateDevice changes what is given; an empty string removes a value, an empty SiteId detaches from the site. A device
// with links cannot change its site: a link and its device stand at the same one.
func updateDevice(tx *Txn, in *api.UpdateDeviceInput) (*api.UpdateDeviceOutput, error) {
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
		if linkAssociations.Any(tx.r, tx.prefix("link-association.use", gn, id)) {
			return nil, api.InvalidField("siteId", "The site of a device cannot be changed while links are associated with it.")
		}
		device.SiteId = *in.SiteId
	}
	device.AWSLocation = mergeAWSLocation(old.AWSLocation, in.AWSLocation)
	device.Location = mergeLocation(old.Location, in.Location)
	set(&device.Description, in.Description)
	set(&device.Type, in.Type)
	set(&device.Vendor, in.Vendor)
	set(&device.Model, in.Model)
	set(&device.SerialNumber, in.SerialNumber)
	device.State = api.DeviceStateUpdating
	save(tx.lc, lifecycle.Device, devices, tx.key("device", gn, id), &device, string(device.State))
	return &api.UpdateDeviceOutput{Device: &device}, nil
}

// deleteDevice removes a device nothing is associated with. Its site is no obstacle.
func deleteDevice(tx *Txn, in *api.DeleteDeviceInput) (*api.DeleteDeviceOutput, error) {
	gn, id := in.GlobalNetworkId, in.DeviceId
	if _, err := findGlobalNetwork(tx.View, gn); err != nil {
		return nil, err
	}
	old, err := findDevice(tx.View, gn, id)
	if err != nil {
		return nil, err
	}
	if user := userOf(tx.View, gn, "device", id); user != "" {
		return nil, api.BrokenRule("Device " + id + " cannot be deleted due to existing association with a " + user + ".")
	}
	device := *old
	device.State = api.DeviceStateDeleting
	save(tx.lc, lifecycle.Device, devices, tx.key("device", gn, id), &device, string(device.State))
	device.Tags = nil
	return &api.DeleteDeviceOutput{Device: &device}, nil
}

// userOf names what still uses a device ("device", id), a link ("link", id) or a link on a device ("device-link",
// device, link); "" is nothing. Everything that is not DELETED counts.
func userOf(v *View, gn, index string, ids ...string) string {
	below := func(table, index string) string {
		return v.prefix(table+"."+index, append([]string{gn}, ids...)...)
	}
	switch {
	case index != "device-link" && linkAssociations.Any(v.r, below("link-association", "use")):
		if index == "device" {
			return "link"
		}
		return "device"
	case customerGatewayAssociations.Any(v.r, below("customer-gateway-association", index)):
		return "customer gateway"
	case tgwConnectPeerAssociations.Any(v.r, below("tgw-connect-peer-association", index)):
		return "transit gateway Connect peer"
	case connectPeerAssociations.Any(v.r, below("connect-peer-association", index)):
		return "Connect peer"
	case connections.Any(v.r, below("connection", index)):
		return "connection"
	default:
		return ""
	}
}

func mergeAWSLocation(old, given *api.AWSLocation) *api.AWSLocation {
	if given == nil {
		return old
	}
	merged := api.AWSLocation{
		Zone:      mergeMember(old, given, func(l *api.AWSLocation) *string { return l.Zone }),
		SubnetArn: mergeMember(old, given, func(l *api.AWSLocation) *string { return l.SubnetArn }),
	}
	if merged == (api.AWSLocation{}) {
		return nil
	}
	return &merged
}
