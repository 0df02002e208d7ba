// Two chips of a tree, which hold one network: the root has the ports of a bus, and the node below
// it has nothing but clock, reset and the line to the root. Both are outputs of
//     spikeloom build network.npz -o FOLDER --chips 2 --link axi
// From outside they are one accelerator.
`default_nettype none

module two_chips #(
    // Of WINDOW_BYTES in spikeloom.h, the logarithm.
    parameter ADDRESS_BITS = 16
) (
    input  wire                    aclk,
    input  wire                    aresetn,
    // Registers and memories of both chips.
    input  wire [ADDRESS_BITS-1:0] s_axi_awaddr,
    input  wire [2:0]              s_axi_awprot,
    input  wire                    s_axi_awvalid,
    output wire                    s_axi_awready,
    input  wire [31:0]             s_axi_wdata,
    input  wire [3:0]              s_axi_wstrb,
    input  wire                    s_axi_wvalid,
    output wire                    s_axi_wready,
    output wire [1:0]              s_axi_bresp,
    output wire                    s_axi_bvalid,
    input  wire                    s_axi_bready,
    input  wire [ADDRESS_BITS-1:0] s_axi_araddr,
    input  wire [2:0]              s_axi_arprot,
    input  wire                    s_axi_arvalid,
    output wire                    s_axi_arready,
    output wire [31:0]             s_axi_rdata,
    output wire [1:0]              s_axi_rresp,
    output wire                    s_axi_rvalid,
    input  wire                    s_axi_rready,
    // Event words to the network, and from it.
    input  wire [31:0]             s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,
    output wire [31:0]             m_axis_tdata,
    output wire                    m_axis_tlast,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);

    // What each end sends the other. All of it comes from registers and goes to registers, so more
    // registers may lie on the way, as they do here.
    wire [7:0] down, up;
    wire down_strobe, up_strobe;
    reg [7:0] down_later, up_later;
    reg down_strobe_later, up_strobe_later;

    always @(posedge aclk) begin
        {down_strobe_later, down_later} <= {down_strobe, down};
        {up_strobe_later, up_later} <= {up_strobe, up};
    end

    spikeloom root (
        .aclk(aclk),
        .aresetn(aresetn),
        .s_axi_awaddr(s_axi_awaddr),
        .s_axi_awprot(s_axi_awprot),
        .s_axi_awvalid(s_axi_awvalid),
        .s_axi_awready(s_axi_awready),
        .s_axi_wdata(s_axi_wdata),
        .s_axi_wstrb(s_axi_wstrb),
        .s_axi_wvalid(s_axi_wvalid),
        .s_axi_wready(s_axi_wready),
        .s_axi_bresp(s_axi_bresp),
        .s_axi_bvalid(s_axi_bvalid),
        .s_axi_bready(s_axi_bready),
        .s_axi_araddr(s_axi_araddr),
        .s_axi_arprot(s_axi_arprot),
        .s_axi_arvalid(s_axi_arvalid),
        .s_axi_arready(s_axi_arready),
        .s_axi_rdata(s_axi_rdata),
        .s_axi_rresp(s_axi_rresp),
        .s_axi_rvalid(s_axi_rvalid),
        .s_axi_rready(s_axi_rready),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tlast(m_axis_tlast),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .child1__strobe_out(down_strobe),
        .child1__data_out(down),
        .child1__strobe_in(up_strobe_later),
        .child1__data_in(up_later)
    );

    spikeloom_chip1 node (
        .aclk(aclk),
        .aresetn(aresetn),
        .parent__strobe_out(up_strobe),
        .parent__data_out(up),
        .parent__strobe_in(down_strobe_later),
        .parent__data_in(down_later)
    );

endmodule
