# portolan serve --ephemeral --upstream URL-OF-AN-EC2, then
#   export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=any AWS_REGION=us-west-2
#   terraform init && terraform apply

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-west-2"
}

resource "aws_vpc" "this" {
  cidr_block = "10.7.0.0/16"
}

resource "aws_subnet" "this" {
  vpc_id            = aws_vpc.this.id
  cidr_block        = "10.7.1.0/24"
  availability_zone = "us-west-2a"
}

resource "aws_networkmanager_global_network" "this" {
  description = "terraform"
  tags        = { env = "prod" }
}

resource "aws_networkmanager_site" "this" {
  global_network_id = aws_networkmanager_global_network.this.id
  location { address = "Lisbon" }
  tags = { env = "prod" }
}

resource "aws_networkmanager_device" "this" {
  global_network_id = aws_networkmanager_global_network.this.id
  site_id           = aws_networkmanager_site.this.id
  model             = "cpe"
  tags              = { env = "prod" }
}

resource "aws_networkmanager_link" "this" {
  global_network_id = aws_networkmanager_global_network.this.id
  site_id           = aws_networkmanager_site.this.id
  bandwidth {
    upload_speed   = 10
    download_speed = 50
  }
}

resource "aws_networkmanager_link_association" "this" {
  global_network_id = aws_networkmanager_global_network.this.id
  device_id         = aws_networkmanager_device.this.id
  link_id           = aws_networkmanager_link.this.id
}

resource "aws_networkmanager_core_network" "this" {
  global_network_id = aws_networkmanager_global_network.this.id
  tags              = { env = "prod" }
}

data "aws_networkmanager_core_network_policy_document" "this" {
  core_network_configuration {
    asn_ranges         = ["64512-64555"]
    inside_cidr_blocks = ["10.100.0.0/16"]
    edge_locations { location = "us-west-2" }
  }
  segments {
    name                          = "prod"
    require_attachment_acceptance = false
  }
  attachment_policies {
    rule_number     = 1
    condition_logic = "or"
    conditions {
      type = "tag-exists"
      key  = "env"
    }
    action {
      association_method = "constant"
      segment            = "prod"
    }
  }
}

resource "aws_networkmanager_core_network_policy_attachment" "this" {
  core_network_id = aws_networkmanager_core_network.this.id
  policy_document = data.aws_networkmanager_core_network_policy_document.this.json
}

resource "aws_networkmanager_vpc_attachment" "this" {
  core_network_id = aws_networkmanager_core_network_policy_attachment.this.core_network_id
  vpc_arn         = aws_vpc.this.arn
  subnet_arns     = [aws_subnet.this.arn]
  tags            = { env = "prod" }
}

resource "aws_networkmanager_connect_attachment" "this" {
  core_network_id         = aws_networkmanager_core_network.this.id
  transport_attachment_id = aws_networkmanager_vpc_attachment.this.id
  edge_location           = aws_networkmanager_vpc_attachment.this.edge_location
  options { protocol = "GRE" }
  tags = { env = "prod" }
}

resource "aws_networkmanager_connect_peer" "this" {
  connect_attachment_id = aws_networkmanager_connect_attachment.this.id
  peer_address          = "10.7.1.10"
  inside_cidr_blocks    = ["169.254.100.0/29"]
  bgp_options { peer_asn = 65001 }
}
