package main

import (
	"portolan/policy"
	"portolan/policy/lint"
)

// codes describes the error codes of policies. They are all errors: AWS takes no policy with one of them.
func codes() []ruleInfo {
	list := make([]ruleInfo, len(codeTable))
	for i, c := range codeTable {
		list[i] = ruleInfo{ID: c[0], Level: string(lint.SeverityError), Summary: c[1], Help: c[2]}
	}
	return list
}

// codeTable has a code, what is wrong, and what to do.
var codeTable = [][3]string{
	{policy.CodeTypeMismatch, "A value has the wrong type.", "Write the type that the message names. A member without a value is left out, never null."},
	{policy.CodeRequiredProperty, "A member is missing.", "Add the member. Which ones are required depends on the action or the type of the object."},
	{policy.CodeConstantViolation, "A value is not one of those allowed here.", "Use one of the values in the message. Some features need version 2025.11."},
	{policy.CodeInvalidString, "A string does not have the form it needs.", "Names begin with a letter and have letters and digits only; attachment ids have 17 hexadecimal digits."},
	{policy.CodeMaximumItemsExceeded, "A list has too many elements.", "Split the list, or leave elements out."},
	{policy.CodeInvalidASNRange, "A range of ASNs is malformed, empty or not private.", "Ranges lie within 64512-65534 or 4200000000-4294967294. The upper end is not part of a range."},
	{policy.CodeInvalidASNUpdate, "A range with an ASN that the policy writes for an edge is taken away, or an edge gets another ASN.", "Keep a range with every ASN that is written. The ASN of an edge never changes; one that was assigned may lie outside the ranges later."},
	{policy.CodeOrphanedAttachment, "An edge location with attachments is taken away.", "Delete the attachments at the edge first."},
	{policy.CodeUnknownProperty, "A member is not known here.", "Remove it, or correct its name."},
	{policy.CodeAdvancedRouting, "Routing policies are used under version 2021.12.", "Set \"version\" to \"2025.11\"."},
	{policy.CodeSyntax, "The document is not JSON.", "Repair the syntax at the place shown. Comments and trailing commas are not JSON."},
	{policy.CodeTooLarge, "The document is larger than a policy may be.", "A policy has at most 1 MB. Rules can often be joined with tags."},
	{policy.CodeDuplicateProperty, "A member is given twice.", "Keep one: which of the two a reader uses is not defined."},
	{policy.CodeMinimumItems, "A list has too few elements.", "Add an element, or leave the list out where it is optional."},
	{policy.CodeOutOfRange, "A number is too small or too large.", "Use a number within the bounds in the message."},
	{policy.CodeInvalidASN, "The ASN of an edge is outside the ranges or used twice.", "Choose a free ASN from asn-ranges, or leave it out to have one allocated."},
	{policy.CodeInsufficientASN, "There are more edges than ASNs.", "Widen asn-ranges."},
	{policy.CodeInsufficientInsideCIDR, "There is no inside CIDR block left for an edge.", "Add a block to inside-cidr-blocks."},
	{policy.CodeInvalidCIDR, "A CIDR block is malformed, too small, or overlaps another.", "Inside CIDR blocks are at least a /24, for IPv6 a /64, and do not overlap."},
	{policy.CodeUndefinedEdgeLocation, "A Region is named that is no edge location.", "Add it to core-network-configuration.edge-locations, or correct it."},
	{policy.CodeUndefinedReference, "A name is used that nothing has.", "Define the segment, network function group or routing policy, or correct the name."},
	{policy.CodeDuplicateValue, "A name or a number is used twice.", "Names of segments and network function groups, rule numbers and edge locations are unique."},
	{policy.CodeMutuallyExclusive, "Two members exclude each other.", "Keep one of them."},
	{policy.CodeInvalidServiceInsertion, "Service insertion actions contradict each other.", "A group serves one mode, a segment takes part in one mode, and two segments meet in one group."},
	{policy.CodeInvalidDestination, "A static route leads where it cannot.", "Destinations are existing attachments, one for each edge location of the segment, or blackhole alone."},
	{policy.CodeInvalidRoutingPolicy, "A routing policy cannot be used like this.", "Summaries are outbound; ASNs of the core network must not be used in lists and communities."},
}
