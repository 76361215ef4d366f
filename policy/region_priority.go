package policy

// RegionPriority is the list of Regions in the Cloud WAN guide, "Region availability". Where several Regions could inspect, the
// first of it does; those that it lacks follow in document order. GovCloud Regions have a list of their own.
func RegionPriority() []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
		"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-west-1",
		"eu-west-2", "eu-west-3", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "us-gov-west-1", "us-gov-east-1",
	}
}
