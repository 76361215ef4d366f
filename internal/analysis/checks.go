package analysis

import "slices"

// Severity is how grave a finding is.
type Severity string

// Severities, the gravest first: traffic is lost, traffic may be lost, worth knowing.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// Severities are all of them, the gravest first.
func Severities() []Severity { return []Severity{SeverityError, SeverityWarning, SeverityNote} }

// AtLeast tells whether a severity is as grave as another, or graver.
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(Severities(), s) <= slices.Index(Severities(), other)
}

// Checks of Findings, by name.
const (
	CheckUnassociated     = "attachment-not-associated"
	CheckPending          = "attachment-waits-for-acceptance"
	CheckDown             = "attachment-failed"
	CheckNotAvailable     = "attachment-not-available"
	CheckTag              = "misspelt-tag"
	CheckMissingAppliance = "missing-inspection-attachment"
	CheckApplianceMode    = "appliance-mode-off"
	CheckVPCOption        = "vpc-option-off"
	CheckSessionDown      = "bgp-session-down"
	CheckOverridden       = "announcements-override-bgp"
	CheckBlackhole        = "blackhole"
	CheckNotImported      = "not-imported"
	CheckDropped          = "dropped-by-routing-policy"
	CheckOverlap          = "duplicate-prefix"
	CheckPrefixLimit      = "route-limit"
	CheckUnmatchedRule    = "routing-rule-matches-no-route"
	CheckTie              = "non-deterministic-best-path"
	CheckOscillation      = "bgp-oscillation"
	CheckLoop             = "forwarding-loop"
	CheckOneWay           = "one-way"
	CheckAsymmetric       = "asymmetric-inspection"
	CheckNotInspected     = "not-inspected"
	CheckNATNotRouted     = "nat-cidr-not-routed"
	CheckNATUntranslated  = "nat-untranslated-address"
	CheckNATOverlap       = "nat-on-one-side"
	CheckCatalog          = "catalog-incomplete"
	CheckPeerOutside      = "connect-peer-outside-subnet"
)

// Check is something that doctor looks for.
type Check struct {
	Name     string
	Severity Severity
	Summary  string
}

// Checks are all checks, in the order in which they run.
func Checks() []Check {
	return []Check{
		{CheckUnassociated, SeverityError, "An attachment works but is not associated with any segment or network function group."},
		{CheckPending, SeverityWarning, "An attachment waits for acceptance."},
		{CheckDown, SeverityError, "An attachment has failed: its prefixes are withdrawn."},
		{CheckNotAvailable, SeverityNote, "An attachment is being created, updated or deleted, or was rejected: it carries no traffic."},
		{CheckTag, SeverityWarning, "A tag that looks like a misspelling of one that the policy asks for associates an attachment elsewhere."},
		{CheckMissingAppliance, SeverityError, "Traffic is sent to a network function group without an attachment, or without one at an edge location that needs it."},
		{CheckApplianceMode, SeverityError, "An inspection VPC with subnets in several Availability Zones is attached without appliance mode."},
		{CheckVPCOption, SeverityNote, "The core network supports DNS or security group referencing, and a VPC attachment has it off."},
		{CheckSessionDown, SeverityError, "A BGP session of a Connect peer or a VPN attachment is down."},
		{CheckOverridden, SeverityWarning, "Routes put for a Connect peer or a VPN attachment take the place of those that its router advertises over BGP."},
		{CheckBlackhole, SeverityError, "A route drops traffic although the policy has no blackhole for it."},
		{CheckNotImported, SeverityWarning, "No route table imports a prefix that an attachment announces, for another reason than a rule that drops it."},
		{CheckDropped, SeverityNote, "A rule of a routing policy drops prefixes that attachments announce: no route table has them."},
		{CheckOverlap, SeverityWarning, "Several attachments announce one prefix."},
		{CheckPrefixLimit, SeverityError, "There are more routes than the AWS quota."},
		{CheckUnmatchedRule, SeverityWarning, "A rule of a routing policy matches no route of the network, or nothing uses the routing policy."},
		{CheckTie, SeverityWarning, "Paths tie on every documented criterion and lead to different attachments."},
		{CheckOscillation, SeverityError, "Edge locations change their best paths for ever."},
		{CheckLoop, SeverityError, "Packets loop."},
		{CheckOneWay, SeverityError, "One attachment reaches the other, the return path fails."},
		{CheckAsymmetric, SeverityError, "The two directions are inspected by different appliances."},
		{CheckNotInspected, SeverityError, "There is no hop through the network function group that the policy sends the segments via."},
		{CheckNATNotRouted, SeverityError, "No route leads the NAT CIDR of a NAT rule to its attachment."},
		{CheckNATUntranslated, SeverityWarning, "A prefix that NAT translates is still routed, but its answers have another source."},
		{CheckNATOverlap, SeverityError, "Overlapping VPCs are translated on one side only."},
		{CheckCatalog, SeverityWarning, "The EC2 endpoint does not know a kind of resource."},
		{CheckPeerOutside, SeverityWarning, "A tunnel-less Connect peer's address lies outside the subnet it names."},
	}
}

// OfCatalog tells whether a check looks at the catalog of a server, which no snapshot has.
func OfCatalog(check string) bool { return check == CheckCatalog || check == CheckPeerOutside }

// CheckNames are the names of all checks.
func CheckNames() []string {
	var names []string
	for _, c := range Checks() {
		names = append(names, c.Name)
	}
	return names
}

// severityOf is the severity of a check.
func severityOf(check string) Severity {
	list := Checks()
	if i := slices.IndexFunc(list, func(c Check) bool { return c.Name == check }); i >= 0 {
		return list[i].Severity
	}
	return SeverityError
}
