package policy

// SchemaDescriptions is the descriptions of all members, for the test that each is used.
var SchemaDescriptions = schemaDescriptions
