"""What Terraform prints, as the tests compare it."""

from rehearsal.workspace import TerraformError


def error_text(error: TerraformError) -> str:
    """Return what Terraform printed, without its line breaks and bars."""
    return " ".join(error.output.replace("│", " ").split())
